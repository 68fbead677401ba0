//! The cells of a matrix: in which order their trials are performed, and their plans as text.

use std::fmt::Write;

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};

use super::{Plan, Prediction, predict, render};
use crate::spec::Duration;

/// One cell of a matrix with its plan.
#[derive(Debug, Clone, PartialEq)]
pub struct CellPlan {
    /// Name of its folder.
    pub name: String,
    /// What distinguishes it.
    pub label: String,
    /// Path and value of each field that is varied.
    pub values: Vec<(String, String)>,
    /// Its plan; the seed is the same for all.
    pub plan: Plan,
}

/// The order of the trials of several cells, as index of the cell and index of the trial (from 1): the first trial of every cell
/// in a random order, then the second of every cell in another, so that what drifts on the machine meets all cells alike.
///
/// `trials` has the number of trials of each cell. The order of a round depends on the seed and the round alone.
pub fn interleave(seed: u64, trials: &[u32]) -> Vec<(usize, u32)> {
    let rounds = trials.iter().copied().max().unwrap_or(0);
    let round = |round: u32| {
        let mut key = [0_u8; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        key[8..16].copy_from_slice(b"rounds\0\0");
        let mut generator = ChaCha8Rng::from_seed(key);
        generator.set_stream(u64::from(round));
        let mut cells: Vec<usize> = (0..trials.len()).collect();
        cells.shuffle(&mut generator);
        cells.into_iter().filter(move |cell| trials[*cell] >= round).map(move |cell| (cell, round))
    };
    (1..=rounds).flat_map(round).collect()
}

/// The plans of a matrix for people: the cells with what they predict, the first plan in full, and of the others what differs.
pub fn render_cells(cells: &[CellPlan]) -> String {
    let mut out = String::new();
    write(cells, &mut out).unwrap_or_default();
    out
}

/// The plans of a matrix for programs: one object a cell.
pub fn json_cells(cells: &[CellPlan]) -> Value {
    let cell = |cell: &CellPlan| {
        let values: Value = cell.values.iter().map(|(path, value)| (path.clone(), Value::from(value.clone()))).collect();
        json!({
            "name": cell.name, "label": cell.label, "values": values,
            "plan": cell.plan, "steps": cell.plan.timeline(), "predictions": predict(&cell.plan.experiment),
        })
    };
    json!({ "cells": cells.iter().map(cell).collect::<Vec<_>>() })
}

fn write(cells: &[CellPlan], out: &mut String) -> std::fmt::Result {
    let Some(first) = cells.first() else { return Ok(()) };
    writeln!(out, "{}: a matrix of {} cells", first.plan.experiment.name, cells.len())?;
    writeln!(out)?;
    let wide = cells.iter().map(|cell| cell.label.chars().count()).max().unwrap_or(0);
    for (index, cell) in cells.iter().enumerate() {
        let predictions: Vec<String> =
            predict(&cell.plan.experiment).iter().filter(|one| !one.metric.ends_with("detection")).map(expected).collect();
        let predictions = if predictions.is_empty() { "no prediction".to_owned() } else { predictions.join(", ") };
        writeln!(out, "  {:>2}  {:wide$}  {predictions}", index + 1, cell.label)?;
    }
    let trials: u64 = cells.iter().map(|cell| cell.plan.trials.len() as u64).sum();
    let time = |cell: &CellPlan| cell.plan.experiment.duration.as_nanos().saturating_mul(cell.plan.trials.len() as u64);
    let whole = cells.iter().map(time).fold(0_u64, u64::saturating_add);
    writeln!(out)?;
    writeln!(
        out,
        "{trials} trials in rounds: one of every cell in a random order, then the next; {} of measured time",
        Duration::from_nanos(whole)
    )?;
    writeln!(out)?;
    writeln!(out, "Cell 1: {}", first.label)?;
    writeln!(out)?;
    let reference = render(&first.plan);
    out.push_str(&reference);
    for (index, cell) in cells.iter().enumerate().skip(1) {
        writeln!(out)?;
        writeln!(out, "Cell {}: {}; where it differs from the first:", index + 1, cell.label)?;
        let own = render(&cell.plan);
        let differs: Vec<&str> = own.lines().filter(|line| !reference.lines().any(|other| other == *line)).collect();
        differs.iter().try_for_each(|line| writeln!(out, "{line}"))?;
        if differs.is_empty() {
            writeln!(out, "  nothing that a plan tells")?;
        }
    }
    Ok(())
}

fn expected(prediction: &Prediction) -> String {
    let seconds = |nanos: u64| format!("{:.2}s", nanos as f64 / 1e9);
    let name = prediction.metric.strip_prefix("failover.").unwrap_or(&prediction.metric);
    format!("{name} {} to {}", seconds(prediction.low), seconds(prediction.high))
}
