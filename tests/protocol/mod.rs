//! CDS Hooks 2.0.1 over HTTP, against the running service: what is emitted is strict, what is accepted is liberal.

mod cors;
mod disagreeing;
mod discovery;
mod edge;
mod feedback;
mod hooks;
mod invocation;
mod limits;
mod links;
mod models;
mod smart;

use crate::support::TestApp;
use reqwest::Response;
use serde_json::{Value, json};
use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    time::Duration,
};

/// A service that answers when it knows nothing but the patient.
const SERVICE: &str = "/cds-services/chart-review";

/// A name that no answer but a card may repeat, and no error, header or metric ever.
const CANARY: &str = "Quagmire-Zebulon";

/// A complete call about a patient of whom nothing but the demographics is supplied.
fn view() -> Value {
    json!({
        "hook": "patient-view",
        "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
        "context": {"userId": "Practitioner/example", "patientId": "p-1"},
        "prefetch": {
            "patient": {
                "resourceType": "Patient", "id": "p-1", "gender": "female", "birthDate": "1951-07-30",
                "name": [{"family": CANARY, "given": ["Test"]}],
            },
        },
    })
}

/// The same with one member replaced; `Null` removes it.
fn view_with(member: &str, value: Value) -> Value {
    let mut body = view();
    match value {
        Value::Null => drop(body.as_object_mut().unwrap().shift_remove(member)),
        value => body[member] = value,
    }
    body
}

/// Asserts that a response is an OperationOutcome with this status and without patient data; gives its sentence.
async fn refused(response: Response, status: u16) -> String {
    assert_eq!(response.status().as_u16(), status);
    let kind = response.headers()["content-type"].to_str().unwrap().to_owned();
    assert!(kind.contains("json"), "{kind}");
    for (name, value) in response.headers() {
        assert!(!String::from_utf8_lossy(value.as_bytes()).contains(CANARY), "{name}");
    }
    let text = response.text().await.unwrap();
    assert!(!text.contains(CANARY), "{text}");
    let body: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(body["resourceType"], "OperationOutcome", "{body}");
    let issue = &body["issue"][0];
    assert!(["error", "fatal"].contains(&issue["severity"].as_str().unwrap()), "{body}");
    assert!(issue["code"].is_string(), "{body}");
    issue["diagnostics"].as_str().unwrap().to_owned()
}

/// Asserts 200 and gives the JSON.
async fn answered(response: Response) -> Value {
    let status = response.status().as_u16();
    let text = response.text().await.unwrap();
    assert_eq!(status, 200, "{text}");
    serde_json::from_str(&text).unwrap()
}

/// Paths of members that are null or empty, resources inside actions left out; `may_be_empty` names exceptions.
fn hollow(value: &Value, path: &str, may_be_empty: &[&str], found: &mut Vec<String>) {
    let empty = match value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        Value::Array(items) => items.is_empty() && !may_be_empty.contains(&path),
        Value::Object(members) => members.is_empty(),
        _ => false,
    };
    if empty {
        found.push(path.to_owned());
    }
    match value {
        Value::Array(items) => items.iter().for_each(|item| hollow(item, path, may_be_empty, found)),
        Value::Object(members) => members
            .iter()
            .filter(|(name, _)| *name != "resource")
            .for_each(|(name, item)| hollow(item, &format!("{path}/{name}"), may_be_empty, found)),
        _ => {}
    }
}

/// Asserts that nothing in `value` is null or empty.
fn assert_full(value: &Value, may_be_empty: &[&str]) {
    let mut found = Vec::new();
    hollow(value, "", may_be_empty, &mut found);
    assert_eq!(found, Vec::<String>::new());
}

/// Sends bytes that no well-behaved client would, and keeps the connection.
fn raw(app: &TestApp, bytes: &[u8]) -> TcpStream {
    let address = app.url.strip_prefix("http://").unwrap().replace("localhost", "127.0.0.1");
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    stream.write_all(bytes).unwrap();
    stream
}

/// What comes back until the connection closes, pauses for long or says enough.
async fn reply(stream: TcpStream) -> String {
    tokio::task::spawn_blocking(move || {
        let (mut stream, mut text, mut buffer) = (stream, String::new(), [0; 4096]);
        while let Ok(count @ 1..) = stream.read(&mut buffer) {
            text.push_str(&String::from_utf8_lossy(&buffer[..count]));
            if text.contains("OperationOutcome") && text.ends_with('}') {
                break;
            }
        }
        text
    })
    .await
    .unwrap()
}
