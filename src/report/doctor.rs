//! `doctor`: what works, and what to do where something does not.

use std::fmt::Write;

use serde::Serialize;

use super::{DIM, GROWTH, HEADING, Page, Report, SHRINKAGE, text};
use crate::attach::{Addon, Diagnosis, Obstacle};
use crate::protocol::{CAPTURES_OTHERS, Support};

/// What works in this Node, on this machine.
#[derive(Clone, Debug, Serialize)]
pub struct DoctorHere {
    pub here: Support,
}

/// What works for another process.
#[derive(Clone, Debug, Serialize)]
pub struct Doctor(pub Diagnosis);

impl Report for DoctorHere {
    fn text(&self, page: &Page) -> String {
        let mut out = String::new();
        let node = self.here.node.as_deref().unwrap_or("of unknown version");
        let title = format!(
            "rs-heapdump {}, Node {}",
            text::shown(&self.here.version),
            text::shown(node)
        );
        let _ = writeln!(out, "{}", page.paint(HEADING, &title));
        capabilities(&mut out, &self.here, page);
        if CAPTURES_OTHERS {
            out + "\n" + &page.next("capture")
        } else {
            out
        }
    }
}

impl Report for Doctor {
    fn text(&self, page: &Page) -> String {
        let Diagnosis {
            process,
            addon,
            addon_obstacle,
            inspector_obstacle,
            inspector_open,
        } = &self.0;
        let mut out = String::new();
        let version = process.node_version.as_deref().unwrap_or("of unknown version");
        let title = format!(
            "process {}, Node {}, user {}",
            process.pid,
            text::shown(version),
            text::shown(&process.user)
        );
        let _ = writeln!(out, "{}  {}", page.paint(HEADING, &title), text::shown(&process.script));
        if let Some(pid) = process.own_pid {
            let _ = writeln!(out, "  in a container, where its pid is {pid}");
        }
        match addon {
            Some(support) => {
                line(
                    &mut out,
                    page,
                    true,
                    "addon",
                    &format!("version {} listens", text::shown(&support.version)),
                );
                capabilities(&mut out, support, page);
            }
            None => obstacle(&mut out, page, "addon", addon_obstacle.as_ref()),
        }
        match inspector_obstacle {
            None => {
                let how = if *inspector_open {
                    "open already"
                } else {
                    "SIGUSR1 opens it"
                };
                line(&mut out, page, true, "inspector", how);
            }
            Some(_) => obstacle(&mut out, page, "inspector", inspector_obstacle.as_ref()),
        }
        let can = addon.is_some() || inspector_obstacle.is_none();
        let next = match (can, process.addon) {
            (true, _) => format!("capture {}", process.pid),
            (false, Addon::Missing) => "run -- app.js".to_owned(),
            (false, _) => "doctor".to_owned(),
        };
        out + "\n" + &page.next(&next)
    }
}

fn capabilities(out: &mut String, support: &Support, page: &Page) {
    for capability in &support.capabilities {
        line(out, page, capability.available, &capability.name, &capability.detail);
        hint(out, page, capability.hint.as_deref());
    }
}

fn obstacle(out: &mut String, page: &Page, what: &str, obstacle: Option<&Obstacle>) {
    let why = obstacle.map_or("", |obstacle| obstacle.message.as_str());
    line(out, page, false, what, why);
    hint(out, page, obstacle.and_then(|obstacle| obstacle.hint.as_deref()));
}

fn line(out: &mut String, page: &Page, works: bool, what: &str, detail: &str) {
    let (style, mark) = if works { (SHRINKAGE, "yes") } else { (GROWTH, "no ") };
    let what = format!("{:13}", text::shown(what));
    let _ = writeln!(out, "  {} {what} {}", page.paint(style, mark), text::shown(detail));
}

fn hint(out: &mut String, page: &Page, hint: Option<&str>) {
    if let Some(hint) = hint {
        let _ = writeln!(out, "{:20}{}", "", page.paint(DIM, &format!("→ {}", text::shown(hint))));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::Capability;

    #[test]
    fn what_does_not_work_comes_with_what_to_do() {
        let capability = |name: &str, available, detail: &str, hint: Option<&str>| Capability {
            name: name.to_owned(),
            available,
            detail: detail.to_owned(),
            hint: hint.map(str::to_owned),
        };
        let report = DoctorHere {
            here: Support {
                version: "1.0.0".to_owned(),
                node: Some("v24.21.0".to_owned()),
                capabilities: vec![
                    capability("signal", true, "SIGUSR2", None),
                    capability("live", false, "it needs Linux", Some("drain first")),
                ],
                ..Support::default()
            },
        };
        let page = Page {
            width: 80,
            color: false,
        };
        let next = if CAPTURES_OTHERS {
            "\nnext: rs-heapdump capture\n"
        } else {
            ""
        };
        let expected = format!(
            "rs-heapdump 1.0.0, Node v24.21.0\n  yes signal        SIGUSR2\n  no  live          it needs Linux\n                    \
             → drain first\n{next}"
        );
        assert_eq!(report.text(&page), expected);
    }
}
