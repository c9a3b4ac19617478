//! Links the addon, and sees to it that the report page is there to be embedded.

use std::path::Path;

/// Made from `page/` by `scripts/page.mjs`; see `src/report/html`.
const PAGE: &str = "page/dist/page.html";

fn main() {
    println!("cargo::rerun-if-changed={PAGE}");
    if !Path::new(PAGE).is_file() {
        println!(
            "cargo::error={PAGE} is missing: `npm run setup` makes it, or `node scripts/page.mjs` where npm's packages are there"
        );
    }
    napi_build::setup();
}
