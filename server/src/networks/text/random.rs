//! Random connectivity: how many synapses, how strong, how slow.

use spiked_proto::v1;

use super::network::Context;
use super::node::Node;
use super::quantity::Unit;
use super::values;

const RULES: &[&str] = &["in_degree", "out_degree", "total", "probability"];

pub(super) fn read(
    context: &Context<'_>,
    node: &Node<'_>,
    unit: Unit,
) -> Option<v1::RandomSynapses> {
    use v1::random_synapses::Rule;
    let keys = &[RULES, &["weight", "delay", "allow_self", "seed"]].concat();
    let table = node.table(keys, &["allow_multiple", "distance"])?;
    let rule = match table.one_of(RULES) {
        Some(("in_degree", node)) => node.whole(0..=u32::MAX).map(Rule::InDegree),
        Some(("out_degree", node)) => node.whole(0..=u32::MAX).map(Rule::OutDegree),
        Some(("total", node)) => node.whole(0..=u64::MAX).map(Rule::Total),
        Some((_, node)) => node.number().map(Rule::Probability),
        None => None,
    };
    let weights = table.need("weight", "0.1");
    let weights = weights.and_then(|node| values::of_weights(context, &node, unit));
    let delays = table.get("delay").map(|node| delays(context, &node));
    let allow_self = table.get("allow_self").map_or(Some(false), |node| node.flag());
    let seed = table.get("seed").map(|node| node.whole(0..=u64::MAX));
    Some(v1::RandomSynapses {
        rule: Some(rule?),
        weights: Some(weights?),
        // Absent is none.
        delays: match delays {
            Some(delays) => Some(v1::Delays { delays: Some(delays?) }),
            None => None,
        },
        allow_self: allow_self?,
        seed: match seed {
            Some(seed) => Some(seed?),
            None => None,
        },
    })
}

fn delays(context: &Context<'_>, node: &Node<'_>) -> Option<v1::delays::Delays> {
    use v1::delays::Delays;
    if !node.is_table() {
        return node.ticks(context.tick_ns, 0).map(Delays::SameTicks);
    }
    let table = node.table(&["uniform", "normal", "shortest"], &["each", "log_normal"])?;
    if let Some(uniform) = table.get("uniform") {
        if let Some(other) = ["normal", "shortest"].into_iter().find_map(|key| table.get(key)) {
            return other.refuse("excludes uniform, whose delays are whole ticks");
        }
        let [min, max] = values::ends(&uniform)?;
        let ticks = |node: Node<'_>| node.ticks(context.tick_ns, 0);
        let (min, max) = (ticks(min), ticks(max));
        return Some(Delays::Uniform(v1::UniformTicks { min: min?, max: max? }));
    }
    table.need("normal", "{ mean = \"1.5 ms\", sd = \"0.75 ms\" }")?;
    let min = table.get("shortest").map_or(Some(1), |node| node.ticks(context.tick_ns, 0));
    let normal = table.get("normal")?;
    let quantity = |node: &Node<'_>, unit: Unit| node.in_unit(unit);
    let values = values::normal(&normal, Unit::Ticks(context.tick_ns), quantity);
    let values = v1::Values { values: Some(v1::values::Values::Normal(values?)) };
    Some(Delays::Rounded(v1::RoundedTicks { values: Some(values), min: min? }))
}
