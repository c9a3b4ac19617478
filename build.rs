//! Links the addon, sees to it that the report page is there to be embedded, and says where there are live captures.

use std::env;
use std::path::Path;

/// Made from `page/` by `scripts/page.mjs`; see `src/report/html`.
const PAGE: &str = "page/dist/page.html";

/// Operating system, C library and architecture on which a fork of Node has been tried, thousands of times: `cfg(live)`.
const LIVE: [(&str, &str); 3] = [("OS", "linux"), ("ENV", "gnu"), ("ARCH", "x86_64")];

fn main() {
    println!("cargo::rerun-if-changed={PAGE}");
    if !Path::new(PAGE).is_file() {
        println!(
            "cargo::error={PAGE} is missing: `npm run setup` makes it, or `node scripts/page.mjs` where npm's packages are there"
        );
    }
    println!("cargo::rustc-check-cfg=cfg(live)");
    let target = |what| env::var(format!("CARGO_CFG_TARGET_{what}")).unwrap_or_default();
    if LIVE.iter().all(|&(what, wanted)| target(what) == wanted) {
        println!("cargo::rustc-cfg=live");
    }
    napi_build::setup();
}
