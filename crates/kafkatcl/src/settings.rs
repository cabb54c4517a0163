//! Settings: what a master holds for its future clients, and the defaults of ours that differ from librdkafka's.
//! Every librdkafka property passes through; a script's own setting always wins. It must not open clients.

use crate::fail::OrRaise;
use rdk::{Config, Scope, TopicConfig};
use std::cell::RefCell;
use std::collections::HashSet;
use tclstubs::Raise;

/// What a client is for: its kind decides which defaults apply.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// A producer handle.
    Producer,
    /// A consumer handle with topic consumers and queues.
    Consumer,
    /// A subscriber in a group.
    Subscriber,
}

/// One default of ours: property, value, where it applies.
struct Default {
    name: &'static str,
    value: &'static str,
    applies: fn(Role) -> bool,
}

/// Our defaults (DESIGN 2a and 3). The manual gives the reason of each.
const DEFAULTS: &[Default] = &[
    // A broker's reply to a telemetry request can abort this librdkafka.
    Default {
        name: "enable.metrics.push",
        value: "false",
        applies: |_| true,
    },
    // librdkafka would wait a whole second whenever 100,000 messages are ready.
    Default {
        name: "fetch.queue.backoff.ms",
        value: "10",
        applies: |r| r != Role::Producer,
    },
    Default {
        name: "client.software.name",
        value: "kafkatcl",
        applies: |_| true,
    },
    Default {
        name: "client.software.version",
        value: concat!(env!("CARGO_PKG_VERSION"), "-librdkafka"),
        applies: |_| true,
    },
    // `consume` answers 0 at the end of a partition, so the end must be told.
    Default {
        name: "enable.partition.eof",
        value: "true",
        applies: |r| r == Role::Consumer,
    },
    // A new group reads what is there.
    Default {
        name: "auto.offset.reset",
        value: "earliest",
        applies: |r| r == Role::Subscriber,
    },
];

struct State {
    config: Config,
    topic_config: TopicConfig,
    touched: HashSet<String>,
}

/// The settings of a master.
pub struct Settings(RefCell<State>);

impl Settings {
    /// librdkafka's own defaults.
    pub fn new() -> Settings {
        Settings(RefCell::new(State {
            config: Config::new(),
            topic_config: TopicConfig::new(),
            touched: HashSet::new(),
        }))
    }

    /// Sets these properties: all of them, or none when one is refused. A topic property that is set here goes to the
    /// topic settings.
    pub fn set(&self, pairs: &[(String, String)]) -> Result<(), Raise> {
        let mut state = self.0.borrow_mut();
        let mut config = state.config.duplicate();
        let mut topic_config = state.topic_config.duplicate();
        for (name, value) in pairs {
            // Where both know a name (`enable.auto.commit`, `compression.codec`), the topic's is an old one of other
            // meaning, or follows the global one.
            if rdk::scope(name) == Scope::Topic {
                topic_config.set(name, value).or_raise()?;
            } else {
                config.set(name, value).or_raise()?;
            }
        }
        state.touched.extend(pairs.iter().map(|p| p.0.clone()));
        state.config = config;
        state.topic_config = topic_config;
        Ok(())
    }

    /// A copy with these changes.
    pub fn with(&self, pairs: &[(String, String)]) -> Result<Settings, Raise> {
        let copy = {
            let state = self.0.borrow();
            Settings(RefCell::new(State {
                config: state.config.duplicate(),
                topic_config: state.topic_config.duplicate(),
                touched: state.touched.clone(),
            }))
        };
        copy.set(pairs)?;
        Ok(copy)
    }

    /// Sets these topic properties: all of them, or none when one is refused.
    pub fn set_topic(&self, pairs: &[(String, String)]) -> Result<(), Raise> {
        let mut state = self.0.borrow_mut();
        state.topic_config = changed(&state.topic_config, pairs)?;
        state.touched.extend(pairs.iter().map(|p| p.0.clone()));
        Ok(())
    }

    /// Adds brokers to the list that new clients begin with.
    pub fn add_brokers(&self, brokers: &str) -> Result<(), Raise> {
        let known = self.0.borrow().config.get("bootstrap.servers").unwrap_or_default();
        let all = if known.is_empty() {
            brokers.to_string()
        } else {
            format!("{known},{brokers}")
        };
        self.set(&[("bootstrap.servers".to_string(), all)])
    }

    /// All properties, with our defaults where the script has set nothing.
    pub fn list(&self) -> Vec<(String, String)> {
        let state = self.0.borrow();
        let mut all = state.config.dump();
        for (name, value) in &mut all {
            let ours = DEFAULTS.iter().find(|d| {
                d.name == name
                    && (d.applies)(Role::Producer) | ((d.applies)(Role::Consumer) && (d.applies)(Role::Subscriber))
            });
            if let Some(ours) = ours.filter(|_| !state.touched.contains(name)) {
                *value = ours.value.to_string();
            }
        }
        all
    }

    /// All topic properties.
    pub fn list_topic(&self) -> Vec<(String, String)> {
        self.0.borrow().topic_config.dump()
    }

    /// A copy of the topic settings.
    pub fn topic_config(&self) -> TopicConfig {
        self.0.borrow().topic_config.duplicate()
    }

    /// The value of a property.
    pub fn get(&self, name: &str) -> Option<String> {
        self.0.borrow().config.get(name).ok()
    }

    /// Has the script set this property?
    pub fn is_set(&self, name: &str) -> bool {
        self.0.borrow().touched.contains(name)
    }

    /// Does a consumer count messages as seen by itself? Not when the script has said that it does.
    pub fn stores_offsets(&self) -> bool {
        !self.is_set("enable.auto.offset.store") || self.get("enable.auto.offset.store").as_deref() != Some("false")
    }

    /// The settings for a client of this role.
    pub fn for_client(&self, role: Role) -> Result<(Config, TopicConfig), Raise> {
        let state = self.0.borrow();
        let mut config = state.config.duplicate();
        let mut topic_config = state.topic_config.duplicate();
        if role != Role::Producer && self.stores_offsets() {
            // A message counts as seen when it is handed to the script, not when it is taken from the queue, so this is
            // ours to do, also when the script has written librdkafka's own default.
            config.set("enable.auto.offset.store", "false").or_raise()?;
        }
        for d in DEFAULTS
            .iter()
            .filter(|d| (d.applies)(role) && !state.touched.contains(d.name))
        {
            if rdk::scope(d.name) == Scope::Topic {
                topic_config.set(d.name, d.value).or_raise()?;
            } else if d.name == "client.software.version" {
                config
                    .set(d.name, &format!("{}-librdkafka-{}", crate::VERSION, rdk::version()))
                    .or_raise()?;
            } else {
                config.set(d.name, d.value).or_raise()?;
            }
        }
        Ok((config, topic_config))
    }
}

/// A copy of topic settings with these changes: all of them, or an error when one is refused.
pub fn changed(from: &TopicConfig, pairs: &[(String, String)]) -> Result<TopicConfig, Raise> {
    let mut copy = from.duplicate();
    for (name, value) in pairs {
        copy.set(name, value).or_raise()?;
    }
    Ok(copy)
}

/// A list of brokers as scripts write it, a Tcl list or text with commas, in librdkafka's form.
pub fn broker_list(word: &tclstubs::Obj) -> Result<String, Raise> {
    let parts = word.elements()?;
    let joined: Vec<String> = parts.iter().map(|p| p.text()).collect();
    let list: Vec<&str> = joined
        .iter()
        .flat_map(|p| p.split(','))
        .map(str::trim)
        .filter(|p| !p.is_empty())
        .collect();
    Ok(list.join(","))
}
