//! The private network of a lab: a bridge, and for every node and for the clients a network namespace linked to it.

use std::net::Ipv4Addr;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::mounts::NAMESPACES;
use crate::foreign::{self, Bounds};
use crate::namespace::Namespace;
use crate::runtime::RuntimeError;

/// Arguments of `ip` that make it read commands.
const BATCH: &[&str] = &["-batch", "-"];
/// What `ip` may take, which needs milliseconds.
const BOUNDS: Bounds = Bounds { time: Duration::from_secs(20), bytes: 16 << 20 };
/// Places one subnet has room for.
const PLACES: usize = 200;
/// Longest wait for the bridge; takes a few milliseconds.
const FORWARDING_LIMIT: Duration = Duration::from_secs(5);

/// A place on the network: a namespace with one address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// Name of the namespace.
    pub(super) namespace: String,
    /// Its address.
    pub(super) address: Ipv4Addr,
}

/// Names of one lab's bridge, links and namespaces. `number` is the lab's own within the run.
///
/// Links are named by numbers, since the kernel allows them 15 characters.
#[derive(Debug, Clone)]
pub(super) struct Network {
    number: u32,
    places: Vec<Place>,
    nodes: usize,
    /// Made after the others, see [`Network::attach`].
    attached: Arc<Mutex<Vec<Place>>>,
}

impl Network {
    /// A network for nodes of these names, in that order, the clients, and so many zones.
    pub(super) fn new<'a>(number: u32, nodes: impl IntoIterator<Item = &'a str>, zones: usize) -> Result<Self, RuntimeError> {
        let mut names: Vec<String> = nodes.into_iter().map(str::to_owned).collect();
        let nodes = names.len();
        names.push("clients".to_owned());
        // By number: a zone may have any name, also that of a node.
        names.extend((1..=zones).map(|zone| format!("zone{zone}")));
        if names.len() > PLACES {
            return Err(RuntimeError::failed(
                "making the lab network",
                format!("{nodes} nodes and {zones} zones are more than the {} one subnet holds here", PLACES - 1),
            ));
        }
        // Bridges are not linked to each other, so a subnet that comes round again after 16384 labs meets nobody.
        let [_, _, high, low] = number.to_be_bytes();
        let place = |(index, name): (usize, &String)| Place {
            namespace: format!("lab{number}-{name}"),
            address: Ipv4Addr::new(10, 64 + high % 64, low, 11 + index as u8),
        };
        let places = names.iter().enumerate().map(place).collect();
        Ok(Self { number, places, nodes, attached: Arc::default() })
    }

    /// The nodes' places in the order given.
    pub(super) fn nodes(&self) -> &[Place] {
        self.places.get(..self.nodes).unwrap_or_default()
    }

    /// The zones' places.
    pub(super) fn zones(&self) -> &[Place] {
        self.places.get(self.nodes + 1..).unwrap_or_default()
    }

    /// Names of the links in the namespace of the bridge: of nodes, of clients, of zones, then of what was attached.
    pub(super) fn link_names(&self) -> Vec<String> {
        (0..self.places.len() + self.attached().len()).map(|index| self.link_name(index)).collect()
    }

    /// Name of the bridge.
    pub(super) fn bridge(&self) -> String {
        format!("l{}", self.number)
    }

    fn link_name(&self, index: usize) -> String {
        format!("l{}n{index}", self.number)
    }

    /// Creates everything and returns the namespaces of nodes, clients and zones, in that order; what a failed call leaves is removed by [`Network::remove`].
    pub(super) fn create(&self) -> Result<Vec<Namespace>, RuntimeError> {
        ip(&self.creation(), BATCH)?;
        let open = |place: &Place| {
            Namespace::at(&Path::new(NAMESPACES).join(&place.namespace)).map_err(|error| RuntimeError::failed("opening a namespace", error))
        };
        let namespaces: Vec<Namespace> = self.places.iter().map(open).collect::<Result<_, _>>()?;
        // One `ip` for each, side by side: it configures only the namespace it was started in.
        thread::scope(|scope| {
            let configure = |(place, namespace)| scope.spawn(move || within(namespace, || ip(&configuration(place), BATCH).map(drop)));
            let running: Vec<_> = self.places.iter().zip(&namespaces).map(configure).collect();
            running
                .into_iter()
                .try_for_each(|thread| thread.join().unwrap_or_else(|_| Err(RuntimeError::failed("configuring a link", "it panicked"))))
        })?;
        self.await_forwarding()?;
        Ok(namespaces)
    }

    /// Adds a place after the network was made.
    pub(super) fn attach(&self, name: &str) -> Result<(Place, Namespace), RuntimeError> {
        let (index, place) = {
            let mut attached = self.attached();
            let index = self.places.len() + attached.len();
            let [_, _, high, low] = self.number.to_be_bytes();
            let last = u8::try_from(11 + index).map_err(|_| RuntimeError::failed("adding to the lab network", "it is full"))?;
            let namespace = format!("lab{}-{name}", self.number);
            let place = Place { namespace, address: Ipv4Addr::new(10, 64 + high % 64, low, last) };
            attached.push(place.clone());
            (index, place)
        };
        ip(&self.link(index, &place), BATCH)?;
        let namespace = Namespace::at(&Path::new(NAMESPACES).join(&place.namespace))
            .map_err(|error| RuntimeError::failed("opening a namespace", error))?;
        let configured = thread::scope(|scope| scope.spawn(|| within(&namespace, || ip(&configuration(&place), BATCH).map(drop))).join());
        configured.unwrap_or_else(|_| Err(RuntimeError::failed("configuring a link", "it panicked")))?;
        self.await_forwarding()?;
        Ok((place, namespace))
    }

    fn attached(&self) -> MutexGuard<'_, Vec<Place>> {
        self.attached.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until the bridge forwards from and to everybody. It begins to in its own time after a link is up, and drops packets
    /// until then; the first one dropped would cost the sender a second, since that is how long an unanswered ARP request waits.
    fn await_forwarding(&self) -> Result<(), RuntimeError> {
        let deadline = Instant::now() + FORWARDING_LIMIT;
        loop {
            let shown = ip("", &["-details", "link", "show", "group", &self.number.to_string()])?;
            if shown.matches("state forwarding").count() >= self.places.len() + self.attached().len() {
                return Ok(());
            }
            if Instant::now() > deadline {
                return Err(RuntimeError::failed("setting up the lab network", format!("the bridge does not forward: {shown}")));
            }
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// Removes everything that is there; goes on after an error. What is left, in words.
    pub(super) fn remove(&self) -> Vec<String> {
        // Its complaints are about what was not there; what still is shows below.
        let _ = ip(&self.removal(), &["-force", "-batch", "-"]);
        let attached = self.attached();
        let names = self.places.iter().chain(attached.iter()).map(|place| &place.namespace);
        let named = names.filter(|name| Path::new(NAMESPACES).join(name).exists());
        named.map(|name| format!("network namespace {name}")).collect()
    }

    fn creation(&self) -> String {
        let number = self.number;
        let mut batch = format!("link add l{number} type bridge\nlink set l{number} group {number} addrgenmode none up\n");
        self.places.iter().enumerate().for_each(|(index, place)| batch += &self.link(index, place));
        batch
    }

    fn link(&self, index: usize, Place { namespace, .. }: &Place) -> String {
        let number = self.number;
        let link = self.link_name(index);
        format!(
            "netns add {namespace}\nlink add {link} type veth peer name eth0 netns {namespace}\n\
             link set {link} group {number} addrgenmode none master l{number} up\n"
        )
    }

    fn removal(&self) -> String {
        // The links go by name, for a namespace lives on in whoever holds it open; as a group, they go in one step.
        let mut batch = format!("link del group {}\n", self.number);
        let attached = self.attached();
        self.places.iter().chain(attached.iter()).for_each(|place| batch += &format!("netns del {}\n", place.namespace));
        batch
    }
}

fn configuration(place: &Place) -> String {
    format!("link set lo up\naddr add {}/24 dev eth0\nlink set eth0 addrgenmode none up\n", place.address)
}

/// Does something on a thread inside a namespace; for threads made for that purpose.
pub(super) fn within<T>(namespace: &Namespace, action: impl FnOnce() -> Result<T, RuntimeError>) -> Result<T, RuntimeError> {
    namespace.enter().map_err(|error| RuntimeError::failed("entering a network namespace", error))?;
    action()
}

/// Runs `ip` with some input; what it printed.
fn ip(input: &str, arguments: &[&str]) -> Result<String, RuntimeError> {
    let outcome = match foreign::run(Command::new("ip").args(arguments), input.as_bytes(), BOUNDS) {
        Ok(answer) if answer.status.success() => Ok(answer.output),
        Ok(answer) => Err(answer.errors),
        Err(refusal) => Err(refusal.to_string()),
    };
    outcome.map_err(|reason| RuntimeError::failed("setting up the lab network with `ip`", reason))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_batch_makes_the_bridge_and_links_every_namespace_to_it() {
        let network = Network::new(258, ["redis-1", "sentinel-1"], 1).unwrap();
        insta::assert_snapshot!(format!("{}---\n{}---\n{}", network.creation(), configuration(&network.places[1]), network.removal()));
    }

    #[test]
    fn link_names_fit_the_kernel_however_many_labs_a_run_opens() {
        let network = Network::new(u32::MAX, std::iter::repeat_n("a-node-with-a-rather-long-name", 190), 9).unwrap();
        let batch = network.creation();
        let links = batch.lines().filter_map(|line| line.strip_prefix("link add ")).filter_map(|line| line.split(' ').next());
        for link in links {
            assert!(link.len() <= 15, "{link}");
        }
    }

    #[test]
    fn a_lab_too_large_for_its_subnet_is_refused() {
        assert!(Network::new(1, std::iter::repeat_n("node", 200), 0).is_err());
        assert!(Network::new(1, std::iter::repeat_n("node", 100), 100).is_err());
    }
}
