//! A session of the Chrome DevTools Protocol: JSON over a WebSocket.

use std::borrow::Cow;
use std::io::{self, ErrorKind};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use tungstenite::protocol::WebSocketConfig;
use tungstenite::{Message, Utf8Bytes, WebSocket, client};

use super::door::Door;
use crate::attach::process::Target;
use crate::error::{Code, Error};

/// How long a connection may take.
const CONNECT_WAIT: Duration = Duration::from_secs(10);
/// How often a wait is interrupted, to look around.
const PATIENCE: Duration = Duration::from_millis(100);
/// How long the process may take for a short answer: its thread has to come to JavaScript for it.
const ANSWER_WAIT: Duration = Duration::from_secs(60);

/// What the process says.
pub enum Heard {
    /// A part of the snapshot's text.
    Chunk(String),
    Progress {
        done: u64,
        total: u64,
    },
    Reply {
        id: u32,
        error: Option<String>,
    },
    /// Something else.
    Other,
}

/// One session.
#[derive(Debug)]
pub struct Session {
    socket: WebSocket<TcpStream>,
    asked: u32,
}

#[derive(Deserialize)]
struct Said<'a> {
    id: Option<u32>,
    method: Option<Cow<'a, str>>,
    #[serde(borrow)]
    params: Option<&'a RawValue>,
    #[serde(borrow)]
    result: Option<&'a RawValue>,
    error: Option<Fault>,
}

#[derive(Deserialize)]
struct Fault {
    message: String,
}

#[derive(Deserialize)]
struct Chunk {
    chunk: String,
}

#[derive(Deserialize)]
struct Share {
    done: u64,
    total: u64,
}

impl Session {
    /// Connects to an inspector.
    pub fn open(target: &Target, door: &Door) -> Result<Self, Error> {
        let failed = |what: String| {
            Error::new(
                Code::Io,
                format!("the inspector at {} does not answer: {what}", door.address),
            )
        };
        let connect = || -> io::Result<TcpStream> {
            let stream = TcpStream::connect_timeout(&door.address, CONNECT_WAIT)?;
            stream.set_read_timeout(Some(CONNECT_WAIT))?;
            stream.set_write_timeout(Some(CONNECT_WAIT))?;
            stream.set_nodelay(true)?;
            Ok(stream)
        };
        let stream = target
            .within_network(connect)?
            .map_err(|error| failed(error.to_string()))?;
        // The answer names the address as the process sees it; we go by that which the kernel told.
        let path = door.url.splitn(4, '/').nth(3).unwrap_or_default();
        let url = format!("ws://{}/{path}", door.address);
        let config = WebSocketConfig::default();
        let (socket, _) =
            client::client_with_config(url, stream, Some(config)).map_err(|error| failed(error.to_string()))?;
        socket
            .get_ref()
            .set_read_timeout(Some(PATIENCE))
            .map_err(|error| failed(error.to_string()))?;
        Ok(Self { socket, asked: 0 })
    }

    /// Sends a question; answers with its number.
    pub fn ask(&mut self, method: &str, params: &Value) -> Result<u32, Error> {
        self.asked += 1;
        let question = json!({ "id": self.asked, "method": method, "params": params });
        self.socket
            .send(Message::text(question.to_string()))
            .map_err(|error| lost(&error))?;
        Ok(self.asked)
    }

    /// What the process says next; nothing if it says nothing for a moment.
    pub fn hear(&mut self) -> Result<Option<Heard>, Error> {
        let Some(text) = self.read()? else { return Ok(None) };
        let said = parse(&text)?;
        let heard = match (said.id, said.method.as_deref(), said.params) {
            (Some(id), ..) => Heard::Reply {
                id,
                error: said.error.map(|fault| fault.message),
            },
            (None, Some("HeapProfiler.addHeapSnapshotChunk"), Some(params)) => {
                Heard::Chunk(detail::<Chunk>(params)?.chunk)
            }
            (None, Some("HeapProfiler.reportHeapSnapshotProgress"), Some(params)) => {
                let Share { done, total } = detail(params)?;
                Heard::Progress { done, total }
            }
            _ => Heard::Other,
        };
        Ok(Some(heard))
    }

    /// The value of an expression of JavaScript, as JSON.
    pub fn evaluate<T: DeserializeOwned>(
        &mut self,
        expression: &str,
        check: &dyn Fn() -> Result<(), Error>,
    ) -> Result<T, Error> {
        #[derive(Deserialize)]
        struct Evaluated<T> {
            result: Value_<T>,
        }
        #[derive(Deserialize)]
        struct Value_<T> {
            value: T,
        }
        let params =
            json!({ "expression": expression, "returnByValue": true, "silent": true, "includeCommandLineAPI": true });
        let text = self.call("Runtime.evaluate", &params, check)?;
        let Evaluated { result } = serde_json::from_str(&text).map_err(|error| {
            Error::new(
                Code::Unsupported,
                format!("the inspector's answer is not understood: {error}"),
            )
        })?;
        Ok(result.value)
    }

    /// Asks and waits for the answer.
    pub fn call(
        &mut self,
        method: &str,
        params: &Value,
        check: &dyn Fn() -> Result<(), Error>,
    ) -> Result<String, Error> {
        let id = self.ask(method, params)?;
        let deadline = Instant::now() + ANSWER_WAIT;
        loop {
            check()?;
            if Instant::now() >= deadline {
                let error = Error::new(Code::Timeout, format!("the process does not answer {method}"));
                return Err(error.with_hint("its thread is in native code, or was paused by a debugger"));
            }
            let Some(text) = self.read()? else { continue };
            let said = parse(&text)?;
            if said.id == Some(id) {
                return match (said.result, said.error) {
                    (Some(result), None) => Ok(result.get().to_owned()),
                    (_, Some(fault)) => Err(Error::new(Code::Unsupported, format!("{method}: {}", fault.message))),
                    (None, None) => Err(Error::new(Code::Unsupported, format!("{method} gave nothing"))),
                };
            }
        }
    }

    fn read(&mut self) -> Result<Option<Utf8Bytes>, Error> {
        match self.socket.read() {
            Ok(Message::Text(text)) => Ok(Some(text)),
            Ok(_) => Ok(None),
            Err(tungstenite::Error::Io(error))
                if matches!(
                    error.kind(),
                    ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted
                ) =>
            {
                Ok(None)
            }
            Err(error) => Err(lost(&error)),
        }
    }
}

fn parse(text: &str) -> Result<Said<'_>, Error> {
    serde_json::from_str(text).map_err(|error| not_understood(&error))
}

fn detail<T: DeserializeOwned>(params: &RawValue) -> Result<T, Error> {
    serde_json::from_str(params.get()).map_err(|error| not_understood(&error))
}

fn not_understood(error: &serde_json::Error) -> Error {
    Error::new(
        Code::Unsupported,
        format!("the inspector says what is not understood: {error}"),
    )
}

fn lost(error: &tungstenite::Error) -> Error {
    Error::new(
        Code::Aborted,
        format!("the process ended, or closed its inspector: {error}"),
    )
}
