//! What holds for all that values are used for: errors, callbacks, variables, names of commands.

use crate::property::holds;
use crate::words::*;
use crate::{elements_are, fine, Tcl};
use proptest::prelude::*;
use std::any::Any;
use std::cell::RefCell;
use std::rc::Rc;
use tclstubs::{command_of, create_command, Command, Interp, Obj, Prefix, Raise, Reply};

/// An error of ours arrives as it is: its text, and each word of its code.
pub fn raises(tcl: &Tcl) {
    struct Raiser(RefCell<Option<Raise>>);
    impl Command for Raiser {
        fn invoke(&self, _interp: &Interp, _words: &[Obj]) -> Result<Reply, Raise> {
            Err(self
                .0
                .borrow_mut()
                .take()
                .unwrap_or_else(|| Raise::bug("nothing to raise")))
        }
        fn deleted(&self, _interp: &Interp) {}
        fn as_any(self: Rc<Self>) -> Rc<dyn Any> {
            self
        }
    }
    let raiser = Rc::new(Raiser(RefCell::new(None)));
    let command = create_command(&tcl.0, "raiser", raiser.clone()).expect("a command");
    holds(
        "raises",
        5_000,
        (text(), prop::collection::vec(text(), 1..8)),
        |(message, code)| {
            let choices: Vec<&str> = code.iter().map(String::as_str).collect();
            for raise in [
                Raise::new(message.as_str(), code.clone()),
                Raise::wrong_args(&message),
                Raise::expected("something", &message, "KIND"),
                Raise::bad_choice("thing", &message, &choices),
            ] {
                let mut wanted = vec![raise.message.clone()];
                wanted.extend(raise.code.iter().cloned());
                *raiser.0.borrow_mut() = Some(raise);
                let said = tcl.ask("failure", &Obj::text_of("raiser"))?;
                let said: Vec<String> = said
                    .split_whitespace()
                    .map(|part| unhex(part)[1..].to_string())
                    .collect();
                prop_assert_eq!(said, wanted);
            }
            Ok(())
        },
    );
    command.delete();
}

/// A command that keeps the words it is called with.
#[derive(Default)]
struct Recorder(RefCell<Vec<String>>);

impl Command for Recorder {
    fn invoke(&self, _interp: &Interp, words: &[Obj]) -> Result<Reply, Raise> {
        *self.0.borrow_mut() = words.iter().map(Obj::text).collect();
        Ok(Reply::Value(Obj::int(words.len() as i64)))
    }
    fn deleted(&self, _interp: &Interp) {
        self.0.borrow_mut().push("deleted".to_string());
    }
    fn as_any(self: Rc<Self>) -> Rc<dyn Any> {
        self
    }
}

/// A callback is the list that Tcl sees in it; what it is called with arrives word for word, and nothing of it is evaluated.
pub fn prefixes(tcl: &Tcl) {
    let recorder = Rc::new(Recorder::default());
    let command = create_command(&tcl.0, "recorder", recorder.clone()).expect("a command");
    holds(
        "prefixes",
        10_000,
        (prop_oneof![listlike(), text()], text()),
        |(words, argument)| {
            let wanted = tcl.parts(&words)?;
            let value = Obj::text_of(&words);
            match (Prefix::take(&value), &wanted) {
                (Err(error), None) => prop_assert_eq!(error.code, ["TCL", "VALUE", "LIST"]),
                (Ok(None), Some(parts)) => prop_assert!(parts.is_empty()),
                (Ok(Some(prefix)), Some(parts)) => {
                    prop_assert!(!parts.is_empty());
                    tcl.is(&prefix.source(), &words)?;
                }
                _ => prop_assert!(false, "Tcl sees {:?}", wanted),
            }
            let Some(mut parts) = wanted else { return Ok(()) };
            parts.insert(0, "recorder".to_string());
            let callback = Obj::texts(&parts);
            let prefix = fine(Prefix::take(&callback))?.expect("it has a word at least");
            tcl.balanced(&callback, || {
                tcl.change("look", "script", &callback)?;
                prefix.call(&tcl.0, Obj::text_of(&argument));
                Ok(())
            })?;
            parts.push(argument);
            prop_assert_eq!(&*recorder.0.borrow(), &parts);
            Ok(())
        },
    );
    command.delete();
}

/// Elements of arrays and global variables, whatever their names and values are.
pub fn variables(tcl: &Tcl) {
    let pairs = prop::collection::vec((text(), text()), 1..6);
    holds("variables", 5_000, pairs, |pairs| {
        let array = Obj::text_of("variables");
        let items: Vec<(Obj, Obj)> = pairs
            .iter()
            .map(|(name, value)| (Obj::text_of(name), Obj::text_of(value)))
            .collect();
        let elements: Vec<(&Obj, &Obj)> = items.iter().map(|(name, value)| (name, value)).collect();
        fine(tcl.0.set_elements(&array, &elements))?;
        for (name, _) in &pairs {
            let (_, last) = pairs
                .iter()
                .rev()
                .find(|(other, _)| other == name)
                .expect("it is there");
            let words = ["array", "get", "variables"].map(Obj::text_of);
            // The name as a pattern: each special character is taken as it is.
            let pattern: String = name
                .chars()
                .flat_map(|c| "*?[]\\".contains(c).then_some('\\').into_iter().chain([c]))
                .collect();
            let found = tcl.call(&[&words[0], &words[1], &words[2], &tcl.say(&pattern)?])?;
            elements_are(&found, Some(&vec![name.clone(), last.clone()]))?;
        }
        let mut different: Vec<&String> = pairs.iter().map(|(name, _)| name).collect();
        different.sort_unstable();
        different.dedup();
        prop_assert_eq!(tcl.0.array_size(&array), i64::try_from(different.len()).ok());
        let names: Vec<&Obj> = items.iter().map(|(name, _)| name).collect();
        fine(tcl.0.unset_elements(&array, &names))?;
        fine(tcl.0.unset_elements(&array, &names))?;
        let size = ["array", "size", "variables"].map(Obj::text_of);
        prop_assert_eq!(tcl.call(&[&size[0], &size[1], &size[2]])?.text(), "0");
        // A global variable; a name with parentheses or colons in it is another thing.
        let (name, value) = &pairs[0];
        let name: String = name.chars().filter(|c| !"():".contains(*c)).collect();
        let words = ["set", "unset"].map(Obj::text_of);
        let full = format!("v{name}");
        let name_value = tcl.say(&full)?;
        prop_assert!(tcl.0.global(&full).is_none());
        tcl.call(&[&words[0], &name_value, &items[0].1])?;
        let found = tcl.0.global(&full);
        prop_assert!(found.is_some());
        tcl.is(&found.expect("just seen"), value)?;
        drop(tcl.call(&[&words[1], &name_value])?);
        Ok(())
    });
}

/// A command of any name that Tcl accepts is found under it, by us and by scripts, until it is deleted.
pub fn commands(tcl: &Tcl) {
    holds("commands", 5_000, (text(), any::<bool>()), |(name, by_script)| {
        // No command that the test needs may be replaced.
        let name = format!("c{name}");
        let recorder = Rc::new(Recorder::default());
        let Ok(command) = create_command(&tcl.0, &name, recorder.clone()) else {
            prop_assert!(name.contains("::"), "refused");
            return Ok(());
        };
        let full = command.full_name().expect("it is there").text();
        prop_assert!(name.contains("::") || full == format!("::{name}"), "{full}");
        for known in [&full, &name] {
            let found = command_of(&tcl.0, known).flatten().expect("it is found");
            prop_assert!(Rc::ptr_eq(&found.downcast::<Recorder>().expect("ours"), &recorder));
            for word in [tcl.say(known)?, Obj::text_of(known)] {
                prop_assert_eq!(tcl.call(&[&word])?.text(), "1");
                prop_assert_eq!(&*recorder.0.borrow(), std::slice::from_ref(known));
            }
        }
        if by_script {
            tcl.call(&[&Obj::text_of("rename"), &tcl.say(&full)?, &Obj::empty()])?;
        } else {
            command.delete();
        }
        command.delete();
        prop_assert!(command.full_name().is_none() && command_of(&tcl.0, &name).is_none());
        prop_assert_eq!(&*recorder.0.borrow(), &[name, "deleted".to_string()]);
        Ok(())
    });
}
