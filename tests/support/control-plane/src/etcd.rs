//! etcd itself, past the API server: every version that it has kept, and a value changed by hand.

use std::io::ErrorKind;

use anyhow::{Context, Result, ensure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

/// How many operations etcd takes in one transaction (its default, `--max-txn-ops`).
const MOST_PUTS: usize = 128;

/// One version of one key.
#[derive(Clone, Debug)]
pub struct Revision {
    /// The key, such as `/registry/GROUP/PLURAL/NAMESPACE/NAME`.
    pub key: String,
    /// etcd's revision, which is the object's resourceVersion.
    pub revision: u64,
    /// The value; `None`: it was deleted.
    pub value: Option<Vec<u8>>,
}

/// Every version of the keys below `prefix`, which does not end in a slash, oldest first.
pub(crate) async fn history(port: u16, prefix: &str) -> Result<Vec<Revision>> {
    // A watch says when it has told everything only by what comes last, so something is put there: beside the keys, for no API server to read.
    let end = format!("{prefix}0end-of-history");
    put(port, &end, b"").await?;
    let question = json!({"create_request": {
        "key": STANDARD.encode(format!("{prefix}/")),
        "range_end": STANDARD.encode(format!("{prefix}1")),
        "start_revision": 1,
    }});
    let mut answer = post(port, "/v3/watch", &question).await?;
    let (mut revisions, mut last) = (Vec::new(), 0);
    let sentinel = sentinel_revision(port, &end).await?;
    let mut line = String::new();
    while last < sentinel {
        line.clear();
        ensure!(answer.read_line(&mut line).await? > 0, "etcd ended the watch at revision {last} of {sentinel}");
        let told: Value = serde_json::from_str(&line).context("etcd's watch")?;
        ensure!(told["result"]["compact_revision"].is_null(), "etcd has thrown old versions away: {told}");
        for event in told["result"]["events"].as_array().into_iter().flatten() {
            let revision = revision(event)?;
            last = revision.revision;
            if revision.key != end {
                revisions.push(revision);
            }
        }
    }
    Ok(revisions)
}

async fn sentinel_revision(port: u16, key: &str) -> Result<u64> {
    number(&range(port, key).await?["kvs"][0]["mod_revision"])
}

/// The value of a key.
pub(crate) async fn get(port: u16, key: &str) -> Result<Vec<u8>> {
    let answer = range(port, key).await?;
    let value = answer["kvs"][0]["value"].as_str().with_context(|| format!("etcd has no {key}"))?;
    Ok(STANDARD.decode(value)?)
}

async fn put(port: u16, key: &str, value: &[u8]) -> Result<()> {
    let question = json!({"key": STANDARD.encode(key), "value": STANDARD.encode(value)});
    one(port, "/v3/kv/put", &question).await.map(|_| ())
}

/// Stores many values, some hundred with each request. What `values` yields is not kept.
pub(crate) async fn put_many(port: u16, values: impl IntoIterator<Item = (String, Vec<u8>)>) -> Result<()> {
    let mut values = values.into_iter().peekable();
    while values.peek().is_some() {
        let puts = values
            .by_ref()
            .take(MOST_PUTS)
            .map(|(key, value)| json!({"requestPut": {"key": STANDARD.encode(key), "value": STANDARD.encode(value)}}));
        one(port, "/v3/kv/txn", &json!({"success": puts.collect::<Vec<_>>()})).await?;
    }
    Ok(())
}

async fn range(port: u16, key: &str) -> Result<Value> {
    one(port, "/v3/kv/range", &json!({"key": STANDARD.encode(key)})).await
}

fn revision(event: &Value) -> Result<Revision> {
    let pair = &event["kv"];
    let decoded = |name: &str| STANDARD.decode(pair[name].as_str().unwrap_or_default());
    let deleted = event["type"] == "DELETE";
    Ok(Revision {
        key: String::from_utf8(decoded("key")?)?,
        revision: number(&pair["mod_revision"])?,
        value: if deleted { None } else { Some(decoded("value")?) },
    })
}

/// etcd's JSON has its 64-bit numbers as strings.
fn number(value: &Value) -> Result<u64> {
    value.as_str().with_context(|| format!("{value} is no number of etcd's"))?.parse().context("a number of etcd's")
}

async fn one(port: u16, path: &str, question: &Value) -> Result<Value> {
    let mut line = String::new();
    post(port, path, question).await?.read_line(&mut line).await?;
    let answer: Value = serde_json::from_str(&line).with_context(|| format!("etcd's answer {line:?}"))?;
    ensure!(answer["error"].is_null(), "etcd: {answer}");
    Ok(answer)
}

/// Asks; what comes back stands at the beginning of its body.
async fn post(port: u16, path: &str, question: &Value) -> Result<BufReader<TcpStream>> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
    let body = question.to_string();
    // The old protocol version has no chunks: the body is what follows the head.
    let head = format!("POST {path} HTTP/1.0\r\nHost: 127.0.0.1\r\nContent-Length: {}\r\n\r\n", body.len());
    stream.write_all(format!("{head}{body}").as_bytes()).await?;
    let mut answer = BufReader::new(stream);
    let mut line = String::new();
    answer.read_line(&mut line).await?;
    ensure!(line.contains(" 200 "), "etcd answered {line:?} to {path}");
    while line != "\r\n" {
        line.clear();
        if answer.read_line(&mut line).await? == 0 {
            return Err(std::io::Error::from(ErrorKind::UnexpectedEof).into());
        }
    }
    Ok(answer)
}
