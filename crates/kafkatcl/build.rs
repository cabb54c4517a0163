//! Link options of the shared library. It must not generate code.

fn main() {
    // librdkafka's threads and thread-local data must never lose their code: on systems with ELF the library stays in
    // memory once it is loaded, whatever an embedding program unloads.
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("linux") {
        println!("cargo:rustc-cdylib-link-arg=-Wl,-z,nodelete");
    }
    // A program that a script starts inherits no descriptor of librdkafka: see rdk/src/cloexec.rs, which has
    // these two for these processors.
    let processor = std::env::var("CARGO_CFG_TARGET_ARCH").unwrap_or_default();
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("linux") && ["x86_64", "aarch64"].contains(&&*processor) {
        println!("cargo:rustc-cdylib-link-arg=-Wl,--wrap=pipe,--wrap=accept");
    }
    println!("cargo:rerun-if-changed=build.rs");
}
