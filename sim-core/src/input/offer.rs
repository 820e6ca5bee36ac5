//! What a port takes, and the first event that it doesn't.

use crate::{error::OfferError, event::InputEvent, network::InputPlan};

/// Checks events for a port that has been promised that nothing before `promise_us` is to come.
pub(crate) fn check_offer(
    input: &InputPlan,
    promise_us: u64,
    events: &[InputEvent],
) -> Result<(), OfferError> {
    // Without a branch an event: mostly there is nothing to find.
    let is_good = |event: &InputEvent| {
        (event.address < input.addresses) & (event.time_us >= promise_us) & (event.multiplicity > 0)
    };
    let all_good = events.iter().fold(true, |good, event| good & is_good(event));
    if all_good && input.frames.is_none() {
        return Ok(());
    }
    events.iter().enumerate().try_for_each(|(at, event)| check_one(input, promise_us, at, event))
}

fn check_one(
    input: &InputPlan,
    promise_us: u64,
    position: usize,
    event: &InputEvent,
) -> Result<(), OfferError> {
    let addresses = input.addresses;
    if event.address >= addresses {
        return Err(OfferError::Address { position, address: event.address, addresses });
    }
    if event.time_us < promise_us {
        return Err(OfferError::Late { position, time_us: event.time_us, promise_us });
    }
    if event.multiplicity == 0 {
        return Err(OfferError::Multiplicity { position });
    }
    if let Some(frames) = &input.frames {
        let (value, value_max) = (event.value(), frames.source.value_max);
        if value.is_nan() || value.abs() > value_max {
            return Err(OfferError::Value { position, value, value_max });
        }
    }
    Ok(())
}
