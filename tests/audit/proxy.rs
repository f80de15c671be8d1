//! A socket in front of Postgres that can be cut, so that a test can lose its server without stopping everybody's.

use std::{
    io::{Read, Write},
    net::{Shutdown, TcpStream},
    os::unix::net::{UnixListener, UnixStream},
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    thread,
};

/// The real server.
#[derive(Clone)]
pub enum Upstream {
    Socket(PathBuf),
    Address(String, u16),
}

/// Who is connected, or that nobody may be.
enum State {
    Up(Vec<UnixStream>),
    Down,
}

pub struct Proxy(Arc<Mutex<State>>);

impl Proxy {
    /// Listens on `socket` for as long as the process lives.
    pub fn start(socket: &Path, upstream: Upstream) -> Self {
        let listener = UnixListener::bind(socket).expect("a socket");
        let state = Arc::new(Mutex::new(State::Up(vec![])));
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                // While the server is down, a connection is closed as soon as it is made.
                if let State::Up(clients) = &mut *shared.lock().expect("no panic") {
                    clients.push(client.try_clone().expect("a handle"));
                    forward(client, &upstream);
                }
            }
        });
        Self(state)
    }

    /// Cuts every connection and refuses new ones.
    pub fn cut(&self) {
        if let State::Up(clients) = std::mem::replace(&mut *self.0.lock().expect("no panic"), State::Down) {
            clients.iter().for_each(|client| drop(client.shutdown(Shutdown::Both)));
        }
    }

    /// Lets connections through again.
    pub fn mend(&self) {
        *self.0.lock().expect("no panic") = State::Up(vec![]);
    }
}

fn forward(client: UnixStream, upstream: &Upstream) {
    let other = client.try_clone().expect("a handle");
    match upstream {
        Upstream::Socket(path) => {
            let server = UnixStream::connect(path).expect("the server");
            let back = server.try_clone().expect("a handle");
            pump(client, server, |server| server.shutdown(Shutdown::Both));
            pump(back, other, |client| client.shutdown(Shutdown::Both));
        }
        Upstream::Address(host, port) => {
            let server = TcpStream::connect((host.as_str(), *port)).expect("the server");
            let back = server.try_clone().expect("a handle");
            pump(client, server, |server| server.shutdown(Shutdown::Both));
            pump(back, other, |client| client.shutdown(Shutdown::Both));
        }
    }
}

/// Copies bytes until one side ends, then ends the other.
fn pump<R: Read + Send + 'static, W: Write + Send + 'static>(
    mut from: R,
    mut to: W,
    end: impl Fn(&W) -> std::io::Result<()> + Send + 'static,
) {
    thread::spawn(move || {
        drop(std::io::copy(&mut from, &mut to));
        drop(end(&to));
    });
}
