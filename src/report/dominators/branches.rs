//! Rows of the tree, with the branches drawn before them.

use super::TreeNode;

/// A row.
pub(super) enum Row<'n> {
    Node(&'n TreeNode),
    /// The nodes that are skipped before this one.
    Skipped(&'n TreeNode),
    /// What of this node's children is not listed.
    More(&'n TreeNode),
}

/// All rows, the least that is told of unlisted nodes being so many bytes.
pub(super) fn branches(nodes: &[TreeNode], least_bytes: u64) -> Vec<(String, Row<'_>)> {
    let rows = levels(rows(nodes, least_bytes));
    // From the last row to the first it is known whether a branch goes on.
    let mut goes_on: Vec<bool> = Vec::new();
    let mut drawn: Vec<(String, Row<'_>)> = Vec::with_capacity(rows.len());
    for (level, only, row) in rows.into_iter().rev() {
        goes_on.resize(level + 1, false);
        let mut lead: String = (1..level)
            .map(|level| if goes_on[level] { "│ " } else { "  " })
            .collect();
        if level > 0 {
            lead.push_str(match (only, goes_on[level]) {
                (true, _) => "↳ ",
                (false, true) => "├ ",
                (false, false) => "└ ",
            });
        }
        goes_on[level] = !only;
        drawn.push((lead, row));
    }
    drawn.reverse();
    drawn
}

/// All rows with their depths: nodes, and after their children what of these is not listed.
fn rows(nodes: &[TreeNode], least_bytes: u64) -> Vec<(usize, Row<'_>)> {
    let mut rows: Vec<(usize, Row<'_>)> = Vec::new();
    // Nodes whose children are not complete yet.
    let mut open: Vec<&TreeNode> = Vec::new();
    for node in nodes {
        close(&mut open, &mut rows, node.depth, least_bytes);
        if node.skipped > 0 {
            rows.push((node.depth, Row::Skipped(node)));
        }
        rows.push((node.depth, Row::Node(node)));
        open.push(node);
    }
    close(&mut open, &mut rows, 0, least_bytes);
    rows
}

/// Adds the rows for what is not listed of the nodes that end before a node of this depth.
fn close<'n>(open: &mut Vec<&'n TreeNode>, rows: &mut Vec<(usize, Row<'n>)>, depth: usize, least_bytes: u64) {
    while let Some(node) = open.pop_if(|node| node.depth >= depth) {
        let is_open = matches!(rows.last(), Some((last, _)) if *last > node.depth);
        if is_open && node.more_count > 0 && node.more_bytes >= least_bytes {
            rows.push((node.depth + 1, Row::More(node)));
        }
    }
}

/// From depths to levels of indentation: rows that have siblings get one more, an only child, said by `true`,
/// only under a row that has siblings.
fn levels(rows: Vec<(usize, Row<'_>)>) -> Vec<(usize, bool, Row<'_>)> {
    // By depth: the row of the parent, and how many children it has so far.
    let mut parents = Vec::with_capacity(rows.len());
    let mut children = vec![0usize; rows.len()];
    let mut path: Vec<usize> = Vec::new();
    for (at, (depth, row)) in rows.iter().enumerate() {
        path.truncate(*depth);
        let parent = path.last().copied();
        parents.push(parent);
        if let (Some(parent), false) = (parent, matches!(row, Row::Skipped(_))) {
            children[parent] += 1;
        }
        path.push(at);
    }
    let mut levels: Vec<(usize, bool)> = Vec::with_capacity(rows.len());
    for parent in parents {
        levels.push(match parent {
            None => (0, false),
            Some(parent) => {
                let (level, parent_is_only) = levels[parent];
                let only = children[parent] == 1;
                (if only && parent_is_only { level } else { level + 1 }, only)
            }
        });
    }
    rows.into_iter()
        .zip(levels)
        .map(|((_, row), (level, only))| (level, only, row))
        .collect()
}
