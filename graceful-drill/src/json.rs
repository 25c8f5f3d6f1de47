//! An outcome for programs.

use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::{Class, Connections, Counts, GroupOutcome, Latency, Loss, Offset, Outcome, Sent, Status, Use};

impl Outcome {
    /// All of it as JSON. Durations are numbers of seconds; an instant before the signal is negative.
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({
            "target": self.target,
            "losses": self.losses(),
            "signal": self.signal.map(seconds),
            "took": seconds(self.took),
            "starved": self.starved,
            "total": group(&self.total),
            "groups": self.groups.iter().map(group).collect::<Vec<_>>(),
            "first_losses": self.first_losses.iter().map(loss).collect::<Vec<_>>(),
        })
    }
}

fn group(group: &GroupOutcome) -> Value {
    json!({
        "name": group.name,
        "pattern": group.pattern,
        "clients": group.clients,
        "attempts": group.counts.attempts(),
        "losses": group.losses(),
        "classes": classes(&group.counts),
        "statuses": statuses(&group.counts),
        "connections": connections(&group.connections),
        "ends": {
            "deadline": group.ends.deadline,
            "done": group.ends.done,
            "refused": group.ends.refused,
        },
        "load": {
            "answers": group.load.answers,
            "took": seconds(group.load.took),
            "per_second": group.load.per_second(),
            "latency": latency(&group.load.latency),
        },
        "stop": {
            "answers": group.stop.answers,
            "latency": latency(&group.stop.latency),
            "last_answer": group.stop.last_answer.map(seconds),
            "first_refusal": group.stop.first_refusal.map(seconds),
        },
    })
}

/// Every class; the parts only where there is something in them.
fn classes(counts: &Counts) -> Value {
    let mut classes = Map::new();
    for class in Class::ALL {
        let mut parts = Map::new();
        parts.insert("total".to_owned(), counts.of(class).into());
        for sent in Sent::ALL {
            for on in Use::ALL {
                let count = counts.on(class, sent, on);
                if count > 0 {
                    parts.insert(format!("{}_{}", sent.name(), on.name()), count.into());
                }
            }
        }
        classes.insert(class.name().to_owned(), parts.into());
    }
    classes.into()
}

fn statuses(counts: &Counts) -> Value {
    Status::ALL.iter().map(|status| (status.name().to_owned(), Value::from(counts.status(*status)))).collect()
}

fn connections(connections: &Connections) -> Value {
    json!({
        "made": connections.made,
        "announced": connections.announced,
        "by_client": connections.by_client,
        "closed_idle": connections.closed_idle,
        "held": connections.held,
        "lost": connections.lost,
        "reset_idle": connections.reset_idle,
        "unsolicited": connections.unsolicited,
    })
}

fn latency(latency: &Latency) -> Value {
    json!({
        "p50": seconds(latency.p50),
        "p90": seconds(latency.p90),
        "p99": seconds(latency.p99),
        "p999": seconds(latency.p999),
        "max": seconds(latency.max),
    })
}

fn loss(loss: &Loss) -> Value {
    json!({
        "class": loss.class.name(),
        "group": loss.group,
        "client": loss.client,
        "sent": loss.sent.name(),
        "on": loss.on.name(),
        "local_port": loss.local_port,
        "bytes_sent": loss.bytes_sent,
        "bytes_received": loss.bytes_received,
        "began": offset(loss.began),
        "noticed": offset(loss.noticed),
        "error": loss.error,
    })
}

fn seconds(duration: Duration) -> f64 {
    duration.as_secs_f64()
}

fn offset(offset: Offset) -> f64 {
    match offset {
        Offset::Before(by) => -seconds(by),
        Offset::After(by) => seconds(by),
    }
}
