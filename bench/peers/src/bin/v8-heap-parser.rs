//! v8-heap-parser: loads a snapshot, computes retained sizes (by way of dominators), prints totals as JSON.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args_os().nth(1).ok_or("usage: v8-heap-parser FILE")?;

    let graph = v8_heap_parser::decode_slice(&std::fs::read(path)?)?;
    let nodes = graph.nodes().len();
    let edges: usize = graph.nodes().iter().map(|node| node.weight.edge_count).sum();
    let summed: u64 = (0..nodes).map(|node| graph.retained_size(node)).sum();
    println!(
        "{{\"nodes\":{nodes},\"edges\":{edges},\"retainedByRoot\":{},\"retainedSummed\":{summed}}}",
        graph.retained_size(0)
    );
    Ok(())
}
