//! Numbers that a daemon says and this side counts on from: batches that it has, positions of output.

use crate::{
    Error,
    v1::{self, stream_response::Message},
};

/// No session comes so far; from here there is room for whatever is counted on.
const COUNT_MAX: u64 = u64::MAX >> 1;

/// The tables with which a stream begins.
pub(crate) fn opened(answer: Option<v1::StreamResponse>) -> Result<v1::Opened, Error> {
    match answer.and_then(|answer| answer.message) {
        Some(Message::Opened(opened)) => begun(opened),
        Some(Message::Error(error)) => Err(Error::Refused(error.into())),
        Some(_) => Err(Error::Contract("the first answer isn't `opened`".into())),
        None => Err(Error::Broken("it closed the stream instead of opening".into())),
    }
}

/// Tables whose counts can be counted on from.
pub(crate) fn begun(opened: v1::Opened) -> Result<v1::Opened, Error> {
    count("batches accepted", opened.accepted)?;
    count("output position", opened.output_position)?;
    Ok(opened)
}

/// A number to count on from.
pub(crate) fn count(what: &str, value: u64) -> Result<u64, Error> {
    if value <= COUNT_MAX {
        return Ok(value);
    }
    Err(Error::Contract(format!("{what}: {value}, where {COUNT_MAX} is the most")))
}

/// The output position behind a message, and the bytes that it carried; `None` for one that is no
/// output.
pub(crate) fn behind(message: &Message) -> Result<Option<(u64, usize)>, Error> {
    let (position, outputs, bytes) = match message {
        Message::Spikes(batch) => (batch.first_position, batch.count.into(), batch.payload.len()),
        Message::Decision(decision) => (decision.position, 1, 0),
        Message::Value(value) => (value.position, 1, value.values.len() * 8),
        _ => return Ok(None),
    };
    count("output position", position).map(|position| Some((position + outputs, bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_counted_on_from_breaks_the_contract() {
        let opened = |accepted, output_position| {
            begun(v1::Opened { accepted, output_position, ..Default::default() })
        };
        assert!(opened(COUNT_MAX, COUNT_MAX).is_ok());
        for refused in [opened(u64::MAX, 0), opened(0, u64::MAX)] {
            assert!(matches!(refused, Err(Error::Contract(_))), "{refused:?}");
        }
    }

    #[test]
    fn output_goes_on_behind_each_message() {
        let payload = vec![0; 16].into();
        let spikes = v1::SpikeBatch { first_position: 7, count: 2, payload, ..Default::default() };
        assert!(matches!(behind(&Message::Spikes(spikes)), Ok(Some((9, 16)))));
        let value = v1::Value { position: 3, values: vec![0.5; 2], ..Default::default() };
        assert!(matches!(behind(&Message::Value(value)), Ok(Some((4, 16)))));
        let decision =
            |position| Message::Decision(v1::Decision { position, ..Default::default() });
        assert!(matches!(behind(&decision(5)), Ok(Some((6, 0)))));
        assert!(matches!(behind(&decision(u64::MAX)), Err(Error::Contract(_))));
        assert!(matches!(behind(&Message::Ended(v1::Ended::default())), Ok(None)));
    }
}
