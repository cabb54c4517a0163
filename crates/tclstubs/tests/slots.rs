//! The slot numbers in `src/sys/slots.rs` and `src/sys/abi.rs`, and the one field of a value that is read, against the
//! headers of an installed Tcl 8.6. It must not need Tcl to build: without a header the tests say so and pass.

use std::collections::HashMap;
use std::fs;

/// Slots that only Tcl 9 has, with its names.
const NINE_ONLY: [&str; 3] = ["get_bytes_9", "get_string_9", "list_get_elements_9"];
/// Our names for the Tcl 8.6 forms of functions that have two.
const RENAMED: [(&str, &str); 3] = [
    ("get_byte_array_8", "Tcl_GetByteArrayFromObj"),
    ("get_string_8", "Tcl_GetStringFromObj"),
    ("list_get_elements_8", "Tcl_ListObjGetElements"),
];

#[test]
fn numbers_and_names_are_tcls() {
    let candidates = [
        "/usr/include/tcl8.6/tclDecls.h",
        "/usr/include/tcl8.6/tcl-private/generic/tclDecls.h",
        "/usr/include/tclDecls.h",
    ];
    let Some(header) = candidates.iter().find_map(|p| fs::read_to_string(p).ok()) else {
        println!("skipped: no header of Tcl 8.6 is installed (package tcl8.6-dev)");
        return;
    };
    let mut theirs: HashMap<String, usize> = HashMap::new();
    let mut slot = None;
    for line in header.lines() {
        if let Some(number) = line.strip_prefix("/* ").and_then(|l| l.strip_suffix(" */")) {
            slot = number.parse().ok();
        } else if let (Some(n), Some(open)) = (slot, line.find('(')) {
            // The function's name is the word before the first parenthesis, also where its line is not the first one.
            let name = line[..open]
                .rsplit(|c: char| !c.is_alphanumeric() && c != '_')
                .next()
                .unwrap_or_default();
            theirs.insert(name.to_string(), n);
            slot = None;
        }
    }
    assert!(
        theirs.len() > 500,
        "the header was not understood: {} functions",
        theirs.len()
    );
    let mut seen = 0;
    for source in [include_str!("../src/sys/slots.rs"), include_str!("../src/sys/abi.rs")] {
        for line in source.lines().map(str::trim_start) {
            let Some(rest) = line.strip_prefix("fn ") else { continue };
            let Some((name, rest)) = rest.split_once(" = ") else {
                continue;
            };
            let Some(ours) = rest.split(' ').next().and_then(|n| n.parse::<usize>().ok()) else {
                continue;
            };
            if NINE_ONLY.contains(&name) {
                continue;
            }
            let name = RENAMED.iter().find(|(n, _)| *n == name).map_or(name, |(_, tcl)| tcl);
            assert_eq!(theirs.get(name), Some(&ours), "slot of {name}");
            seen += 1;
        }
    }
    assert!(seen > 45, "only {seen} slots were found in our sources");
}

#[test]
fn the_field_that_is_read_is_where_tcls_is() {
    let candidates = [
        "/usr/include/tcl8.6/tcl.h",
        "/usr/include/tcl9.0/tcl.h",
        "/usr/include/tcl.h",
    ];
    let headers: Vec<String> = candidates.iter().filter_map(|p| fs::read_to_string(p).ok()).collect();
    if headers.is_empty() {
        println!("skipped: no header of Tcl is installed (package tcl8.6-dev)");
    }
    for header in headers {
        let (_, body) = header.split_once("typedef struct Tcl_Obj {").expect("Tcl_Obj");
        let (body, _) = body.split_once("union {").expect("the union of Tcl_Obj");
        // Comments away, then one field before each semicolon.
        let mut code = String::new();
        for part in body.split("/*") {
            code.push_str(part.split_once("*/").map_or(part, |(_, rest)| rest));
        }
        let fields: Vec<String> = code
            .split(';')
            .map(|f| f.split_whitespace().collect::<Vec<_>>().join(" "))
            .filter(|f| !f.is_empty())
            .collect();
        assert_eq!(fields.len(), 4, "{fields:?}");
        let count =
            |field: &str, name: &str| [format!("int {name}"), format!("Tcl_Size {name}")].contains(&field.to_string());
        assert!(count(&fields[0], "refCount"), "{fields:?}");
        assert_eq!(fields[1], "char *bytes");
        assert!(count(&fields[2], "length"), "{fields:?}");
        assert_eq!(fields[3], "const Tcl_ObjType *typePtr");
    }
    // Ours, in the same order: an int before a pointer takes as much room as one.
    let ours = include_str!("../src/sys/abi.rs");
    let (_, ours) = ours.split_once("struct ObjHead {").expect("ObjHead");
    let (ours, _) = ours.split_once('}').expect("its end");
    let ours: Vec<&str> = ours.lines().map(str::trim).filter(|l| !l.is_empty()).collect();
    let wanted = [
        "_ref_count: isize,",
        "text: *const c_char,",
        "_length: isize,",
        "kind: *const c_void,",
    ];
    assert_eq!(ours, wanted);
}
