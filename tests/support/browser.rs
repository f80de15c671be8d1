//! A real browser: headless Chromium driven through ChromeDriver (W3C WebDriver) with plain HTTP.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use std::{
    net::TcpListener,
    os::unix::process::CommandExt as _,
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};
use tempfile::TempDir;

/// Key under which WebDriver hands out element ids (W3C WebDriver, section 12.1).
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// One browser window. Closed when dropped.
pub struct Browser {
    driver: Child,
    client: reqwest::Client,
    session: String,
    _profile: TempDir,
}

impl Browser {
    /// Starts ChromeDriver and a window; `dark` asks pages for their dark colours.
    pub async fn open(dark: bool) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let driver = Command::new("chromedriver")
            .arg(format!("--port={port}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .expect("chromedriver is installed (scripts/test installs it)");
        let profile = TempDir::new().unwrap();
        let client = auscult::http::outbound::client(Duration::from_secs(60)).unwrap();
        let base = format!("http://127.0.0.1:{port}");
        let session = start(&client, &base, &profile, dark).await;
        Self { driver, client, session, _profile: profile }
    }

    async fn call(&self, path: &str, body: Option<Value>) -> Value {
        let url = format!("{}{path}", self.session);
        let request = match body {
            Some(body) => self.client.post(url).json(&body),
            None => self.client.get(url),
        };
        let answer: Value = request.send().await.expect("chromedriver answers").json().await.unwrap();
        let value = answer["value"].clone();
        assert!(value.get("error").is_none(), "{path}: {value}");
        value
    }

    pub async fn go(&self, url: &str) {
        self.call("/url", Some(json!({ "url": url }))).await;
    }

    /// Runs a script in the page and returns what it returns.
    pub async fn script(&self, script: &str) -> Value {
        self.call("/execute/sync", Some(json!({ "script": script, "args": [] }))).await
    }

    /// Waits until the expression is true, and says which never was.
    pub async fn until(&self, expression: &str) {
        for _ in 0..300 {
            if self.script(&format!("return Boolean({expression})")).await == true {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("never became true in the page: {expression}");
    }

    /// Clicks the first element that matches, as a person would.
    pub async fn click(&self, css: &str) {
        let element = self.call("/element", Some(json!({ "using": "css selector", "value": css }))).await;
        let id = element[ELEMENT].as_str().expect("an element").to_owned();
        self.script(&format!("document.querySelector({}).scrollIntoView({{block: 'center'}})", json!(css))).await;
        self.call(&format!("/element/{id}/click"), Some(json!({}))).await;
    }

    /// Presses keys in the focused element, `\u{e004}` is Tab and `\u{e007}` Enter.
    pub async fn press(&self, keys: &str) {
        let actions: Vec<Value> = keys
            .chars()
            .flat_map(|key| [json!({"type": "keyDown", "value": key}), json!({"type": "keyUp", "value": key})])
            .collect();
        self.call("/actions", Some(json!({ "actions": [{ "type": "key", "id": "keyboard", "actions": actions }] })))
            .await;
    }

    /// Makes the page's area this large, in CSS pixels; a window cannot be made as narrow as a telephone.
    pub async fn resize(&self, width: u32, height: u32) {
        let params = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        let body = json!({ "cmd": "Emulation.setDeviceMetricsOverride", "params": params });
        self.call("/goog/cdp/execute", Some(body)).await;
    }

    pub async fn screenshot(&self, file: &Path) {
        let image = self.call("/screenshot", None).await;
        std::fs::write(file, STANDARD.decode(image.as_str().unwrap()).unwrap()).unwrap();
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The whole group: a killed driver would leave its browser running.
        let group = format!("-{}", self.driver.id());
        let _already_gone = Command::new("kill").args(["-KILL", "--", &group]).status();
        let _already_gone = self.driver.wait();
    }
}

async fn start(client: &reqwest::Client, base: &str, profile: &TempDir, dark: bool) -> String {
    let mut arguments = vec![
        "--headless=new".to_owned(),
        "--no-sandbox".into(),
        "--disable-gpu".into(),
        "--disable-dev-shm-usage".into(),
        "--no-first-run".into(),
        "--disable-background-networking".into(),
        "--disable-component-update".into(),
        "--disable-sync".into(),
        "--window-size=1360,1400".into(),
        format!("--user-data-dir={}", profile.path().display()),
    ];
    if dark {
        arguments.push("--force-dark-mode".into());
        arguments.push("--enable-features=WebContentsForceDark:inversion_method/none".into());
        arguments.push("--blink-settings=preferredColorScheme=0".into());
    }
    let wanted = json!({"capabilities": {"alwaysMatch": {"goog:chromeOptions": {"args": arguments}}}});
    for _ in 0..100 {
        if let Ok(response) = client.post(format!("{base}/session")).json(&wanted).send().await {
            let answer: Value = response.json().await.unwrap();
            let id = answer["value"]["sessionId"].as_str().unwrap_or_else(|| panic!("no browser: {answer}")).to_owned();
            return format!("{base}/session/{id}");
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("chromedriver never answered");
}
