//! SMS through a gateway over HTTP: one request, one connection, one answer of which no more is read than an
//! honest gateway says.
//!
//! Until there is a connection nothing has been sent; from then on, only the gateway's own words make
//! anything certain.

use std::{error::Error, io, time::Duration};

use reqwest::{Client, Response, redirect::Policy};

use super::{Answer, ChannelError, Message, SmsSettings, Why, gateway::Gateway};

/// The largest answer.
const ANSWER_MAX_BYTES: usize = 64 * 1024;

/// How long a gateway may take to be reached, of the time that a message has at all.
const CONNECT_MAX: Duration = Duration::from_secs(5);

/// What sends.
pub(super) struct Sms {
    gateway: Gateway,
    client: Client,
}

impl Sms {
    /// The gateway of the settings.
    pub(super) fn new(settings: &SmsSettings) -> Result<Self, ChannelError> {
        let (gateway, deadline) = (Gateway::new(settings)?, settings.deadline()?);
        // The end of the time must not be taken for a connection that was never made, nor the reverse.
        let connect = CONNECT_MAX.min(deadline / 2);
        let client = Client::builder().timeout(deadline).connect_timeout(connect);
        // A gateway may close a connection that waits at the moment we use it, and a message is not sent
        // twice: each has a connection of its own.
        let client = client.redirect(Policy::none()).pool_max_idle_per_host(0).build();
        Ok(Self { gateway, client: client.map_err(|_| ChannelError::NoCertificates)? })
    }

    /// Sends a message to a number.
    pub(super) async fn send(&self, to: &str, message: &Message) -> Answer {
        let Ok(request) = self.gateway.request(to, message) else {
            return Answer::Undeliverable { why: Why::MessageRefused };
        };
        match self.client.execute(request).await {
            Ok(answer) => {
                let status = answer.status().as_u16();
                let body = read(answer).await;
                let meaning = self.gateway.meaning(status, body, to);
                if meaning.why().is_some() {
                    tracing::info!(status, "a gateway did not take a message");
                }
                meaning
            }
            Err(error) if error.is_connect() || error.is_builder() => {
                let why = if is_tls(&error) { Why::Tls } else { Why::Unreachable };
                Answer::Later { why }
            }
            Err(error) => Answer::Uncertain { why: why_no_answer(&error) },
        }
    }
}

/// The whole body, if it is not larger than an honest one.
async fn read(mut answer: Response) -> Result<Vec<u8>, Why> {
    let mut body = Vec::new();
    while let Some(piece) = answer.chunk().await.map_err(|error| why_no_answer(&error))? {
        if body.len() + piece.len() > ANSWER_MAX_BYTES {
            return Err(Why::Garbled);
        }
        body.extend_from_slice(&piece);
    }
    Ok(body)
}

fn why_no_answer(error: &reqwest::Error) -> Why {
    if error.is_timeout() { Why::Timeout } else { Why::NoAnswer }
}

/// Whether somebody answered, and could not be trusted. Errors of input and output lie in one another.
fn is_tls(error: &(dyn Error + 'static)) -> bool {
    match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(within) => is_tls(within),
        None => error.is::<rustls::Error>() || error.source().is_some_and(is_tls),
    }
}
