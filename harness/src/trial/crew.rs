//! Where clients, probes and observers of a trial live.

use redquake_experiments::spec::Zones;
use redquake_reports::history::ProbeKind;
use redquake_topologies::namespace::Zone;

use crate::context::{Stage, Watch};
use crate::{observers, probes};

/// The threads and tasks around the servers.
pub(super) struct Crew {
    pub(super) prober: Zone,
    /// Where clients live: those without a zone first, then each zone by its name.
    pub(super) places: Vec<(Option<String>, Zone)>,
    pub(super) watch: Watch,
}

impl Crew {
    /// Where the clients of a workload live.
    pub(super) fn places(&self, zones: Option<&Zones>) -> Result<Vec<&Zone>, String> {
        let place = |zone: Option<&String>| {
            let found = self.places.iter().find(|(name, _)| name.as_ref() == zone);
            found.map(|(_, zone)| zone).ok_or_else(|| format!("there is no zone `{}`", zone.map_or("", String::as_str)))
        };
        match zones {
            None => Ok(vec![place(None)?]),
            Some(zones) if zones.names().is_empty() => Err("a list of zones is empty".to_owned()),
            Some(zones) => zones.names().iter().map(|zone| place(Some(zone))).collect(),
        }
    }
}

/// Starts probes and observers. The beat lasts as long as the returned value.
pub(super) fn watch(stage: &Stage, crew: &Crew) -> std::io::Result<[probes::Pace; 2]> {
    let [write, read] = probes::every(stage.roster.data().chain(stage.roster.independent()).count());
    let paces = [probes::Pace::start(write)?, probes::Pace::start(read)?];
    for member in stage.roster.data() {
        for (kind, pace) in [(ProbeKind::Write, &paces[0]), (ProbeKind::Read, &paces[1])] {
            probes::start(&crew.watch, &crew.prober, kind, &member, &stage.roster, pace.beats());
        }
        observers::roles(&crew.watch, &stage.control, &member, stage.roster.data().count());
        if stage.roster.cluster {
            observers::cluster(&crew.watch, &stage.control, &member, &stage.roster);
        }
    }
    // What role they have is no question; when they took writes is.
    for member in stage.roster.independent() {
        probes::start(&crew.watch, &crew.prober, ProbeKind::Write, &member, &stage.roster, paces[0].beats());
    }
    for member in stage.roster.sentinels() {
        observers::sentinels(&crew.watch, &stage.control, &member);
    }
    for (name, zone) in &crew.places {
        observers::stalls(&crew.watch, zone, name.as_deref().unwrap_or("clients"));
    }
    for (zone, place) in [(&crew.prober, "probes"), (&stage.control, "control")] {
        observers::stalls(&crew.watch, zone, place);
    }
    Ok(paces)
}
