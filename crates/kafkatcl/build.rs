//! Link options of the shared library. It must not generate code.

fn main() {
    // librdkafka's threads and thread-local data must never lose their code: on systems with ELF the library stays in
    // memory once it is loaded, whatever an embedding program unloads.
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("linux") {
        println!("cargo:rustc-cdylib-link-arg=-Wl,-z,nodelete");
    }
    println!("cargo:rerun-if-changed=build.rs");
}
