//! What the header of an AEDAT 4 says of its streams, in XML.

use crate::Geometry;

/// What the header's XML says of the first camera.
#[derive(Debug, Default)]
pub(super) struct Streams {
    pub(super) camera: Option<i32>,
    pub(super) geometry: Option<Geometry>,
    pub(super) source: Option<String>,
}

impl Streams {
    /// A header without an XML that can be read says nothing of its streams; their packets do.
    pub(super) fn read(xml: &str) -> Self {
        let Ok(document) = roxmltree::Document::parse(xml) else {
            return Self::default();
        };
        let named = |name: &'static str| {
            move |node: &roxmltree::Node<'_, '_>| node.attribute("name") == Some(name)
        };
        let attribute = |node: roxmltree::Node<'_, '_>, key: &str| {
            let found = node.children().find(|child| child.attribute("key") == Some(key))?;
            found.text().map(|text| text.trim().to_owned())
        };
        let outputs = document.descendants().find(named("outInfo"));
        let cameras = outputs.iter().flat_map(|outputs| outputs.children()).filter_map(|node| {
            let number: i32 = node.attribute("name")?.parse().ok()?;
            (attribute(node, "typeIdentifier")? == "EVTS").then_some((number, node))
        });
        let Some((number, node)) = cameras.min_by_key(|(number, _)| *number) else {
            return Self::default();
        };
        let info = node.children().find(named("info"));
        let told = |key| info.and_then(|info| attribute(info, key));
        let side =
            |key| told(key).and_then(|text| text.parse::<u16>().ok()).filter(|&side| side > 0);
        let geometry = side("sizeX").zip(side("sizeY"));
        Self {
            camera: Some(number),
            geometry: geometry.map(|(width, height)| Geometry { width, height }),
            source: told("source"),
        }
    }
}
