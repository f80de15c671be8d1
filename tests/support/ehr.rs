//! An EHR's authorisation server (SMART App Launch) that grants everything, and notes what it was asked.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use reqwest::Url;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

/// What it grants and what it saw.
#[derive(Default)]
pub struct Notes {
    /// The token's `patient` and `appContext`.
    pub grant: Value,
    /// The last request for a token.
    pub token_form: BTreeMap<String, String>,
    /// Its `Authorization` header.
    pub authorization: Option<String>,
    challenge: String,
}

/// The server; its FHIR base is `{url}/fhir`.
pub struct Ehr {
    pub url: String,
    pub notes: Arc<Mutex<Notes>>,
}

impl Ehr {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let notes = Arc::new(Mutex::new(Notes::default()));
        let (base, shared) = (url.clone(), Arc::clone(&notes));
        #[expect(clippy::disallowed_methods, reason = "it ends with the test's runtime")]
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                serve(stream, &base, &shared).await;
            }
        });
        Self { url, notes }
    }

    /// The base address of its FHIR server.
    pub fn issuer(&self) -> String {
        format!("{}/fhir", self.url)
    }

    /// Grants this patient and card from now on.
    pub fn grant(&self, patient: &str, context: &Value) {
        self.notes.lock().unwrap().grant = json!({"patient": patient, "appContext": context});
    }
}

async fn serve(mut stream: TcpStream, base: &str, notes: &Mutex<Notes>) {
    let (head, body) = request(&mut stream).await;
    let target = head.split(' ').nth(1).unwrap_or_default().to_owned();
    let url = Url::parse(&format!("{base}{target}")).expect("an address");
    let answer = match url.path() {
        "/fhir/.well-known/smart-configuration" => configuration(base),
        "/authorize" => authorised(&url, notes),
        "/token" => token(&head, &body, notes),
        _ => "HTTP/1.1 404 Not Found\r\nconnection: close\r\ncontent-length: 0\r\n\r\n".to_owned(),
    };
    let _gone = stream.write_all(answer.as_bytes()).await;
    let _gone = stream.shutdown().await;
}

async fn request(stream: &mut TcpStream) -> (String, String) {
    let (mut bytes, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ").map(str::to_owned));
            if body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
                return (head.to_owned(), body.to_owned());
            }
        }
        match stream.read(&mut buffer).await {
            Ok(count @ 1..) => bytes.extend_from_slice(&buffer[..count]),
            _ => return (text, String::new()),
        }
    }
}

fn ok(body: &Value) -> String {
    let body = body.to_string();
    let length = body.len();
    format!(
        "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    )
}

fn configuration(base: &str) -> String {
    ok(&json!({"authorization_endpoint": format!("{base}/authorize"), "token_endpoint": format!("{base}/token"),
               "code_challenge_methods_supported": ["S256"], "capabilities": ["launch-ehr"]}))
}

fn authorised(url: &Url, notes: &Mutex<Notes>) -> String {
    let asked: BTreeMap<_, _> = url.query_pairs().into_owned().collect();
    notes.lock().unwrap().challenge.clone_from(&asked["code_challenge"]);
    let mut back = Url::parse(&asked["redirect_uri"]).expect("an address");
    back.query_pairs_mut().append_pair("code", "ZqCode").append_pair("state", &asked["state"]);
    format!("HTTP/1.1 302 Found\r\nconnection: close\r\nlocation: {back}\r\ncontent-length: 0\r\n\r\n")
}

fn token(head: &str, body: &str, notes: &Mutex<Notes>) -> String {
    let mut notes = notes.lock().unwrap();
    notes.token_form = Url::parse(&format!("http://a/?{body}")).unwrap().query_pairs().into_owned().collect();
    notes.authorization = head.lines().find_map(|line| line.strip_prefix("authorization: ").map(str::to_owned));
    let verifier = notes.token_form.get("code_verifier").cloned().unwrap_or_default();
    if URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes())) != notes.challenge {
        return "HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n".to_owned();
    }
    let mut answer = json!({"access_token": "ZqToken", "token_type": "Bearer", "expires_in": 300, "scope": "launch"});
    answer.as_object_mut().unwrap().extend(notes.grant.as_object().cloned().unwrap_or_default());
    ok(&answer)
}
