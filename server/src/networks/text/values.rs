//! Numbers that vary: one for all, one each from a file, or drawn.

use spiked_proto::v1;

use super::array::{Named, is_array};
use super::network::Context;
use super::node::{Node, Table};
use super::quantity::Unit;

const KINDS: &[&str] = &["uniform", "normal", "log_normal", "each"];

/// Values of a parameter, in its unit.
pub(super) fn read(context: &Context<'_>, node: &Node<'_>, unit: Unit) -> Option<v1::Values> {
    read_with(context, node, unit, |node, unit| node.in_unit(unit))
}

/// Weights, which may be bare numbers where they have a unit.
pub(super) fn of_weights(context: &Context<'_>, node: &Node<'_>, unit: Unit) -> Option<v1::Values> {
    read_with(context, node, unit, one)
}

/// A weight: a number in the unit of its target, or a quantity where that is one.
pub(super) fn one(node: &Node<'_>, unit: Unit) -> Option<f64> {
    match node.as_text() {
        Some(_) if unit == Unit::Bare => node.refuse(format!(
            "{} where a number belongs: the weights of this target have no unit",
            node.shown()
        )),
        Some(_) => node.in_unit(unit),
        None => node.number(),
    }
}

pub(super) type One = fn(&Node<'_>, Unit) -> Option<f64>;

fn read_with(context: &Context<'_>, node: &Node<'_>, unit: Unit, one: One) -> Option<v1::Values> {
    use v1::values::Values;
    let each = |node: &Node<'_>| Some(Values::Each(context.arrays.weights(&Named::read(node)?)?));
    let values = if node.as_text().is_some_and(is_array) {
        each(node)?
    } else if node.is_table() {
        match node.one_of(KINDS, &["exponential", "gamma"])? {
            ("uniform", node) => Values::Uniform(uniform(&node, unit, one)?),
            ("normal", node) => Values::Normal(normal(&node, unit, one)?),
            ("log_normal", node) => Values::LogNormal(log_normal(&node, unit, one)?),
            (_, node) => each(&node)?,
        }
    } else {
        Values::Same(one(node, unit)?)
    };
    Some(v1::Values { values: Some(values) })
}

fn uniform(node: &Node<'_>, unit: Unit, one: One) -> Option<v1::UniformValues> {
    let [min, max] = &ends(node)?;
    let (min, max) = (one(min, unit), one(max, unit));
    Some(v1::UniformValues { min: min?, max: max? })
}

/// The two items of a list.
pub(super) fn ends<'a>(node: &Node<'a>) -> Option<[Node<'a>; 2]> {
    let items = node.items()?;
    let count = items.len();
    <[Node<'a>; 2]>::try_from(items)
        .ok()
        .or_else(|| node.refuse(format!("has {count} values, where [smallest, largest] belongs")))
}

pub(super) fn normal(node: &Node<'_>, unit: Unit, one: One) -> Option<v1::NormalValues> {
    let table = node.table(&["mean", "sd", "min", "max"], &[])?;
    let need = |key| table.need(key, "...").and_then(|node| one(&node, unit));
    let (mean, sd) = (need("mean"), need("sd"));
    let (min, max) = bounds(&table, unit, one);
    Some(v1::NormalValues { mean: mean?, sd: sd?, min: min?, max: max? })
}

/// `mu` and `sigma` are those of the logarithm of the number in the parameter's unit.
fn log_normal(node: &Node<'_>, unit: Unit, one: One) -> Option<v1::LogNormalValues> {
    let table = node.table(&["mu", "sigma", "min", "max"], &[])?;
    let need = |key| table.need(key, "0.5").and_then(|node| node.number());
    let (mu, sigma) = (need("mu"), need("sigma"));
    let (min, max) = bounds(&table, unit, one);
    Some(v1::LogNormalValues { mu: mu?, sigma: sigma?, min: min?, max: max? })
}

/// The smallest and the largest value, each of which may be left out.
fn bounds(table: &Table<'_>, unit: Unit, one: One) -> (Option<Option<f64>>, Option<Option<f64>>) {
    let bound = |key| match table.get(key) {
        Some(node) => one(&node, unit).map(Some),
        None => Some(None),
    };
    (bound("min"), bound("max"))
}
