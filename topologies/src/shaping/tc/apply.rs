//! Making and removing the trees of a namespace with `tc` and `ip`.

use serde_json::Value;

use super::tree::{BUCKET, CLASSES, INTERMEDIATE, Shape, Side, rate, redirection, tree};
use crate::namespace::{IP, Namespace, TC};
use crate::runtime::RuntimeError;

/// Why shapes could not be changed.
#[derive(Debug)]
pub(in crate::shaping) enum Refused {
    /// This kernel or this link cannot do it: another way may.
    Impossible(String),
    /// Something else.
    Failed(RuntimeError),
}

impl From<RuntimeError> for Refused {
    fn from(error: RuntimeError) -> Self {
        Self::Failed(error)
    }
}

/// What a rate has done so far to one side.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::shaping) struct Shaped {
    pub(in crate::shaping) packets: u64,
    pub(in crate::shaping) bytes: u64,
    pub(in crate::shaping) dropped: u64,
}

/// Replaces the shapes of a namespace by others. On an error, the former ones are in force again.
///
/// The kernel gives a link that had no queue one of 1000 packets with its first discipline. `queue` remembers what it was, from the
/// first shape until after the last.
pub(in crate::shaping) async fn change(
    namespace: &Namespace,
    queue: &mut Option<u64>,
    from: &[&Shape],
    to: &[&Shape],
) -> Result<(), Refused> {
    let link = link(namespace).await?;
    if queue.is_none() {
        *queue = Some(queue_length(namespace, &link).await?);
    }
    let changed = exchange(namespace, &link, from, to).await;
    let left = if changed.is_ok() { to } else { from };
    if left.is_empty()
        && let Some(length) = queue.take()
        && queue_length(namespace, &link).await? != length
    {
        let length = length.to_string();
        IP.run(namespace, &["link", "set", &link, "txqueuelen", &length], "").await?.map_err(|reason| failed(&reason))?;
    }
    changed
}

async fn exchange(namespace: &Namespace, link: &str, from: &[&Shape], to: &[&Shape]) -> Result<(), Refused> {
    for (side, device) in [(Side::Going, link), (Side::Coming, INTERMEDIATE)] {
        let (old, new) = (tree(device, side, from), tree(device, side, to));
        if old == new {
            continue;
        }
        if let Err(reason) = replace(namespace, link, side, (&old, &new)).await? {
            // Back to what was there, on both sides.
            for (side, device) in [(Side::Going, link), (Side::Coming, INTERMEDIATE)] {
                clear(namespace, link, side).await?;
                let old = tree(device, side, from);
                replace(namespace, link, side, ("", &old)).await?.map_err(|reason| failed(&reason))?;
            }
            return Err(Refused::Impossible(reason));
        }
    }
    Ok(())
}

/// What the shapes of a side have done to packets; `None` when there is no tree of ours.
pub(in crate::shaping) async fn shaped(namespace: &Namespace, going: bool, shapes: &[&Shape]) -> Result<Option<Shaped>, RuntimeError> {
    let side = if going { Side::Going } else { Side::Coming };
    let link = link(namespace).await?;
    let device = if going { link.as_str() } else { INTERMEDIATE };
    if !going && !has_link(namespace, INTERMEDIATE).await? {
        return Ok(None);
    }
    let wanted = if rate(side, shapes).is_some() { BUCKET } else { CLASSES };
    let root = root(namespace, device).await?.filter(|root| root["handle"] == wanted);
    let number = |root: &Value, name: &str| root[name].as_u64().unwrap_or_default();
    Ok(root.map(|root| Shaped { packets: number(&root, "packets"), bytes: number(&root, "bytes"), dropped: number(&root, "drops") }))
}

/// Exchanges one side's tree; the inner error is what `tc` said.
async fn replace(namespace: &Namespace, link: &str, side: Side, (old, new): (&str, &str)) -> Result<Result<(), String>, RuntimeError> {
    if !old.is_empty() && (new.is_empty() || side == Side::Going) {
        clear(namespace, link, side).await?;
    }
    if new.is_empty() {
        return Ok(Ok(()));
    }
    if side == Side::Going {
        if let Some(reason) = foreign(namespace, link).await? {
            return Ok(Err(reason));
        }
        return batch(namespace, new).await;
    }
    if old.is_empty() {
        let prepared = prepare_intermediate(namespace, link).await?;
        if prepared.is_err() {
            return Ok(prepared);
        }
    } else {
        delete_root(namespace, INTERMEDIATE).await?;
    }
    batch(namespace, new).await
}

async fn prepare_intermediate(namespace: &Namespace, link: &str) -> Result<Result<(), String>, RuntimeError> {
    let qdiscs = list(namespace, &["-j", "qdisc", "show", "dev", link]).await?;
    if qdiscs.iter().any(|qdisc| matches!(qdisc["kind"].as_str(), Some("ingress" | "clsact"))) {
        return Ok(Err(format!("what {link} receives is already being filtered by somebody else")));
    }
    let made = IP
        .run(
            namespace,
            &["-batch", "-"],
            format!("link add {INTERMEDIATE} txqueuelen 1000 type ifb\nlink set {INTERMEDIATE} addrgenmode none up\n"),
        )
        .await?;
    if let Err(said) = made {
        return Ok(Err(format!("no intermediate link can be made ({said})")));
    }
    batch(namespace, &redirection(link)).await
}

/// Removes one side's tree, if there is one of ours.
async fn clear(namespace: &Namespace, link: &str, side: Side) -> Result<(), RuntimeError> {
    if side == Side::Going {
        return delete_root(namespace, link).await;
    }
    if !has_link(namespace, INTERMEDIATE).await? {
        return Ok(());
    }
    // Who made the link made the filter that leads to it.
    let qdiscs = list(namespace, &["-j", "qdisc", "show", "dev", link]).await?;
    if qdiscs.iter().any(|qdisc| qdisc["kind"] == "ingress") {
        TC.run(namespace, &["qdisc", "del", "dev", link, "ingress"], "").await?.map_err(|reason| failed(&reason))?;
    }
    IP.run(namespace, &["link", "del", INTERMEDIATE], "").await?.map(drop).map_err(|reason| failed(&reason))
}

async fn delete_root(namespace: &Namespace, device: &str) -> Result<(), RuntimeError> {
    match root(namespace, device).await? {
        Some(root) if is_ours(&root) => {
            TC.run(namespace, &["qdisc", "del", "dev", device, "root"], "").await?.map(drop).map_err(|reason| failed(&reason))
        }
        _ => Ok(()),
    }
}

/// What is at the root of a link and is not ours to replace, in words.
async fn foreign(namespace: &Namespace, link: &str) -> Result<Option<String>, RuntimeError> {
    let root = root(namespace, link).await?;
    // The kernel's own choice has no handle.
    let foreign = root.filter(|root| root["handle"] != "0:" && !is_ours(root));
    Ok(foreign.map(|root| format!("{link} has a queueing discipline of somebody else's ({} {})", root["kind"], root["handle"])))
}

fn is_ours(root: &Value) -> bool {
    root["handle"] == BUCKET || root["handle"] == CLASSES
}

async fn root(namespace: &Namespace, device: &str) -> Result<Option<Value>, RuntimeError> {
    let all = list(namespace, &["-j", "-s", "qdisc", "show", "dev", device]).await?;
    Ok(all.into_iter().find(|qdisc| qdisc["root"] == true))
}

async fn list(namespace: &Namespace, arguments: &[&str]) -> Result<Vec<Value>, RuntimeError> {
    let said = TC.run(namespace, arguments, "").await?.map_err(|reason| failed(&reason))?;
    serde_json::from_str(&said).map_err(|error| failed(&error))
}

/// The inner error is what `tc` said.
async fn batch(namespace: &Namespace, text: &str) -> Result<Result<(), String>, RuntimeError> {
    let said = TC.run(namespace, &["-batch", "-"], text).await?;
    Ok(said.map(drop).map_err(|said| said.lines().next().unwrap_or_default().to_owned()))
}

/// The one link of the namespace.
async fn link(namespace: &Namespace) -> Result<String, RuntimeError> {
    let names: Vec<String> = links(namespace).await?.into_iter().filter(|name| name != INTERMEDIATE).collect();
    match names.as_slice() {
        [name] => Ok(name.clone()),
        others => Err(failed(&format!("there is not one link to shape but {others:?}"))),
    }
}

async fn has_link(namespace: &Namespace, wanted: &str) -> Result<bool, RuntimeError> {
    Ok(links(namespace).await?.iter().any(|name| name == wanted))
}

/// Names of all links that are up, without loopback.
async fn links(namespace: &Namespace) -> Result<Vec<String>, RuntimeError> {
    let all = details(namespace).await?;
    let names = all.iter().filter(|link| link["link_type"] != "loopback").filter_map(|link| link["ifname"].as_str());
    Ok(names.map(str::to_owned).collect())
}

/// Packets a link may have waiting; none is not written down.
async fn queue_length(namespace: &Namespace, link: &str) -> Result<u64, RuntimeError> {
    let all = details(namespace).await?;
    Ok(all.iter().find(|each| each["ifname"] == link).and_then(|link| link["txqlen"].as_u64()).unwrap_or_default())
}

async fn details(namespace: &Namespace) -> Result<Vec<Value>, RuntimeError> {
    let said = IP.run(namespace, &["-j", "link", "show", "up"], "").await?.map_err(|reason| failed(&reason))?;
    serde_json::from_str(&said).map_err(|error| failed(&error))
}

fn failed(reason: &dyn std::fmt::Display) -> RuntimeError {
    RuntimeError::failed("shaping a link with `tc`", reason)
}
