//! Starting the program and talking to it; every wait has an end.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// How long anything may take before a test fails.
const PATIENCE: Duration = Duration::from_secs(30);

/// The program, running.
pub(crate) struct Running {
    /// The process; killed when the test ends.
    pub(crate) child: Child,
    /// What it printed up to its last line.
    pub(crate) said: String,
    /// Its first URL, with the slash at the end; nothing for a server of Unix sockets.
    pub(crate) url: String,
    /// The lines of its standard error, as they come.
    notes: Receiver<String>,
    /// Where its authority is.
    data: PathBuf,
    /// The folder that holds the authority, when the test has none of its own.
    _owned: Option<TempDir>,
    /// Its standard output; closed, it would be another program.
    _stdout: BufReader<ChildStdout>,
}

/// A command line of the program, with a data folder that is not the user's.
pub(crate) fn program(words: &[&str], data: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sealane"));
    command
        .args(words)
        .env("SEALANE_DATA_DIR", data)
        .stdin(Stdio::null());
    command
}

/// Runs the program to an end that comes by itself.
pub(crate) fn run(words: &[&str]) -> Output {
    let data = TempDir::new().unwrap();
    let mut child = program(words, &data.path().join("data"))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let status = ended(&mut child);
    let mut output = Output {
        status,
        stdout: Vec::new(),
        stderr: Vec::new(),
    };
    child
        .stdout
        .take()
        .unwrap()
        .read_to_end(&mut output.stdout)
        .unwrap();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_end(&mut output.stderr)
        .unwrap();
    output
}

/// Runs a command to its end with this on its standard input; output of any length is taken.
pub(crate) fn output_of(command: &mut Command, input: &[u8]) -> Output {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_owned();
    // A program that does not read its input is not waited for.
    std::thread::spawn(move || stdin.write_all(&input));
    let stdout = all(child.stdout.take().unwrap());
    let stderr = all(child.stderr.take().unwrap());
    let status = ended(&mut child);
    Output {
        status,
        stdout: stdout.join().unwrap(),
        stderr: stderr.join().unwrap(),
    }
}

/// Reads a stream to its end beside the test.
fn all(mut stream: impl Read + Send + 'static) -> JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut octets = Vec::new();
        stream.read_to_end(&mut octets).unwrap();
        octets
    })
}

/// Waits until a process has ended.
pub(crate) fn ended(child: &mut Child) -> ExitStatus {
    let begun = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        if begun.elapsed() > PATIENCE {
            child.kill().unwrap();
            child.wait().unwrap();
            panic!("the process did not end in {PATIENCE:?}");
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Sends the lines of a stream to a channel.
pub(crate) fn lines(stream: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stream).lines() {
            let Ok(line) = line else { return };
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    receiver
}

/// Waits for a line with this text in it.
pub(crate) fn wait_for(lines: &Receiver<String>, text: &str) -> String {
    let mut seen = Vec::new();
    loop {
        match lines.recv_timeout(PATIENCE) {
            Ok(line) if line.contains(text) => return line,
            Ok(line) => seen.push(line),
            Err(_) => panic!("no line with {text:?} among {seen:#?}"),
        }
    }
}

impl Running {
    /// Starts the program on a port of the system's choice, with a data folder of its own.
    pub(crate) fn start(words: &[&str]) -> Self {
        let data = TempDir::new().unwrap();
        let path = data.path().join("data");
        let mut running = Self::start_with(&[words, &["--addr", "0"]].concat(), &path);
        running._owned = Some(data);
        running
    }

    /// Starts the program with exactly these words and this data folder.
    pub(crate) fn start_with(words: &[&str], data: &Path) -> Self {
        Self::start_command(program(words, data), data)
    }

    /// Starts a command that ends up as the program with this data folder.
    pub(crate) fn start_command(mut command: Command, data: &Path) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let notes = lines(child.stderr.take().unwrap());
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut said = String::new();
        while !said.contains("Ctrl-C ends") {
            if stdout.read_line(&mut said).unwrap() == 0 {
                panic!("no start: {said}{:?}", notes.iter().collect::<Vec<_>>());
            }
        }
        let url = said
            .lines()
            .find_map(|line| line.trim().strip_prefix("https://"));
        let url = url.map_or_else(String::new, |url| format!("https://{url}"));
        Self {
            child,
            said,
            url,
            notes,
            data: data.to_owned(),
            _owned: None,
            _stdout: stdout,
        }
    }

    /// The root certificate.
    pub(crate) fn root(&self) -> PathBuf {
        self.data.join("local-ca/root.pem")
    }

    /// The program as a client of this one, with the same data folder.
    pub(crate) fn client(&self, words: &[&str]) -> Command {
        program(words, &self.data)
    }

    /// The URL of a path.
    pub(crate) fn at(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    /// The port.
    pub(crate) fn port(&self) -> u16 {
        let end = self.url.trim_end_matches('/').rsplit(':').next().unwrap();
        end.parse().unwrap()
    }

    /// A curl that trusts the root, for a path below the URL.
    pub(crate) fn curl(&self, path: &str, words: &[&str]) -> Command {
        let mut curl = Command::new("curl");
        curl.args([
            "--silent",
            "--show-error",
            "--noproxy",
            "*",
            "--max-time",
            "25",
            "--cacert",
        ]);
        curl.arg(self.root())
            .args(words)
            .arg(format!("{}{path}", self.url));
        curl
    }

    /// Asks for a path and gives the body; curl must be content.
    pub(crate) fn body(&self, path: &str, words: &[&str]) -> Vec<u8> {
        let output = self.curl(path, words).output().unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        output.stdout
    }

    /// Asks for a path and gives the body as text.
    pub(crate) fn text(&self, path: &str, words: &[&str]) -> String {
        String::from_utf8(self.body(path, words)).unwrap()
    }

    /// Asks for a path and gives the status.
    pub(crate) fn status(&self, path: &str, words: &[&str]) -> u16 {
        let words = [
            words,
            &["--output", "/dev/null", "--write-out", "%{http_code}"],
        ]
        .concat();
        self.text(path, &words).parse().unwrap()
    }

    /// Asks for a path and gives the head of the answer in small letters.
    pub(crate) fn head(&self, path: &str, words: &[&str]) -> String {
        let words = [words, &["--output", "/dev/null", "--dump-header", "-"]].concat();
        self.text(path, &words).to_lowercase()
    }

    /// Sends a signal.
    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill")
            .args(["-s", name, &self.child.id().to_string()])
            .status();
        assert!(sent.unwrap().success());
    }

    /// Waits for a line of standard error.
    pub(crate) fn wait_for_note(&self, text: &str) -> String {
        wait_for(&self.notes, text)
    }

    /// Waits for the end and gives the exit code.
    pub(crate) fn exit_code(&mut self) -> Option<i32> {
        ended(&mut self.child).code()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
