//! Where clients, probes and observers of a trial live.

use redquake_experiments::spec::Zones;
use redquake_reports::history::ProbeKind;
use redquake_topologies::namespace::Zone;

use crate::context::{TrialContext, Watch};
use crate::{observers, probes};

/// The threads and tasks around the servers.
pub(super) struct TrialZones {
    pub(super) prober: Zone,
    /// Where clients live: those without a zone first, then each zone by its name.
    pub(super) places: Vec<(Option<String>, Zone)>,
    pub(super) watch: Watch,
}

impl TrialZones {
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
pub(super) fn watch(context: &TrialContext, zones: &TrialZones) -> std::io::Result<[probes::Pace; 2]> {
    let [write, read] = probes::every(context.roster.data().chain(context.roster.independent()).count());
    let paces = [probes::Pace::start(write)?, probes::Pace::start(read)?];
    for member in context.roster.data() {
        for (kind, pace) in [(ProbeKind::Write, &paces[0]), (ProbeKind::Read, &paces[1])] {
            probes::start(&zones.watch, &zones.prober, kind, &member, &context.roster, pace.beats());
        }
        observers::roles(&zones.watch, &context.control, &member, context.roster.data().count());
        if context.roster.cluster {
            observers::cluster(&zones.watch, &context.control, &member, &context.roster);
        }
    }
    // What role they have is no question; when they took writes is.
    for member in context.roster.independent() {
        probes::start(&zones.watch, &zones.prober, ProbeKind::Write, &member, &context.roster, paces[0].beats());
    }
    for member in context.roster.sentinels() {
        observers::sentinels(&zones.watch, &context.control, &member);
    }
    for (name, zone) in &zones.places {
        observers::stalls(&zones.watch, zone, name.as_deref().unwrap_or("clients"));
    }
    for (zone, place) in [(&zones.prober, "probes"), (&context.control, "control")] {
        observers::stalls(&zones.watch, zone, place);
    }
    Ok(paces)
}
