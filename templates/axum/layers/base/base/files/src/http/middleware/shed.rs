//! Sheds load: refuses requests beyond a limit before they cost anything.

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};

use super::drain::InFlight;
use crate::{config::Config, error::Error};

/// Requests in flight, and their limit.
#[derive(Clone, Debug)]
pub struct Shed {
    in_flight: InFlight,
    most: usize,
}

impl Shed {
    /// Up to `MAX_REQUESTS_IN_FLIGHT` requests.
    pub fn new(in_flight: &InFlight, config: &Config) -> Self {
        Self { in_flight: in_flight.clone(), most: config.max_requests_in_flight as usize }
    }
}

/// Answers 503 to requests beyond `MAX_REQUESTS_IN_FLIGHT`. Probes do not pass here: a busy service
/// is alive.
///
/// # Errors
/// [`Error::Overloaded`]
pub async fn shed(
    State(shed): State<Shed>,
    request: Request,
    next: Next,
) -> Result<Response, Error> {
    // The request itself is counted, too.
    if shed.in_flight.count() > shed.most {
        metrics::counter!("http_requests_shed_total").increment(1);
        return Err(Error::Overloaded);
    }
    Ok(next.run(request).await)
}
