//! Messages of Sentinels, read.
//!
//! `<type> <name> <ip> <port>`, followed by ` @ <master> <ip> <port>` where the type is not `master` (sentinel.c,
//! `sentinelEvent`); `+switch-master` carries `<name> <old ip> <old port> <new ip> <new port>`.

use crate::history::SentinelEvent;

/// A message with its addresses taken out of the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// When it arrived.
    pub at: u64,
    /// Index of the Sentinel.
    pub node: u16,
    /// Its channel.
    pub event: String,
    /// The instance it is about, as `ip:port`: the old primary for `+switch-master`.
    pub about: Option<String>,
    /// Whether that instance is a primary to the Sentinel.
    pub master: bool,
    /// `+switch-master` and `+promoted-slave`: the new primary.
    pub promoted: Option<String>,
}

impl Message {
    /// Reads a message. Of what it does not understand only the channel is known.
    pub fn read(event: &SentinelEvent) -> Self {
        let words: Vec<&str> = event.payload.split_whitespace().collect();
        let address = |at: usize| Some(format!("{}:{}", words.get(at)?, words.get(at + 1)?));
        let mut message = Self { at: event.at, node: event.node, event: event.event.clone(), about: None, master: false, promoted: None };
        match (event.event.as_str(), words.first()) {
            ("+switch-master", Some(_)) => {
                message.master = true;
                message.about = address(1);
                message.promoted = address(3);
            }
            (_, Some(&"master")) => {
                message.master = true;
                message.about = address(2);
            }
            (_, Some(&"sentinel")) => message.about = address(2),
            (name, Some(&"slave")) => {
                message.about = address(2);
                message.promoted = if name == "+promoted-slave" { address(2) } else { None };
            }
            _ => {}
        }
        message
    }

    /// Whether it is of that channel and about a primary: the given one, where its address is known.
    pub fn tells(&self, event: &str, primary: Option<&str>) -> bool {
        self.event == event && self.master && primary.is_none_or(|primary| self.about.as_deref() == Some(primary))
    }
}

#[cfg(test)]
mod tests {
    use super::Message;
    use crate::history::SentinelEvent;

    fn read(event: &str, payload: &str) -> Message {
        Message::read(&SentinelEvent { at: 1, node: 3, event: event.to_owned(), payload: payload.to_owned() })
    }

    #[test]
    fn a_message_about_a_replica_is_not_one_about_a_primary() {
        let down = read("+sdown", "slave 10.0.0.2:6379 10.0.0.2 6379 @ m 10.0.0.1 6379");
        assert!(!down.tells("+sdown", None));
        assert_eq!(down.about.as_deref(), Some("10.0.0.2:6379"));
        let down = read("+sdown", "master m 10.0.0.1 6379");
        assert!(down.tells("+sdown", Some("10.0.0.1:6379")));
        assert!(!down.tells("+sdown", Some("10.0.0.2:6379")));
    }

    #[test]
    fn a_switch_names_the_old_and_the_new_primary() {
        let switch = read("+switch-master", "m 10.0.0.1 6379 10.0.0.2 6379");
        assert_eq!((switch.about.as_deref(), switch.promoted.as_deref()), (Some("10.0.0.1:6379"), Some("10.0.0.2:6379")));
    }

    #[test]
    fn an_unreadable_message_is_about_nothing() {
        assert_eq!(read("+switch-master", "m").promoted, None);
        assert!(!read("+odown", "").tells("+odown", None));
    }
}
