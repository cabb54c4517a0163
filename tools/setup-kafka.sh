#!/bin/sh
# Checks that this machine can run Apache Kafka for the tests: a Java runtime, 17 or newer, and Maven, which fetches
# Kafka's jars; for the tests also other people's clients (kcat, a Java compiler for a client of Kafka's own, Python for
# confluent-kafka) and openssl. Run before `make kafka` and `make test-kafka`, every time, so it is quick when nothing is
# missing.
# Missing Debian packages are installed when that needs no password; otherwise it prints the one line to type and
# stops. It must not fetch Kafka, must not start anything, and must not ask questions.
#
# usage: tools/setup-kafka.sh ?test?        test: what tests/kafka needs, not only a cluster
set -u
cd "$(dirname "$0")/.." || exit 1
want=${1:-}

stop() {
    echo "setup-kafka: $*" >&2
    exit 1
}

missing=""          # what is not there, for people
packages=""         # the same, as Debian packages

lacks() {
    missing="$missing${missing:+, }$1"
    packages="$packages${packages:+ }$2"
}

# The Java that the harness will take: JAVA_HOME's, or the one in the path. Prints its major version, or nothing.
java_version() {
    java=java
    if [ -n "${JAVA_HOME:-}" ] && [ -x "$JAVA_HOME/bin/java" ]; then java=$JAVA_HOME/bin/java; fi
    "$java" -version 2>&1 | sed -n 's/^.* version "\(1\.\)\{0,1\}\([0-9][0-9]*\).*/\2/p' | head -n 1
}

check_machine() {
    missing="" packages=""
    have=$(java_version)
    if [ -z "$have" ] || [ "$have" -lt 17 ]; then
        lacks "Java 17 or newer${have:+ (found $have)}" "$(java_package)"
    fi
    command -v mvn >/dev/null || lacks "Maven" maven
    # Of util-linux, which every Debian has: they keep a broker from outliving the program that started it.
    for program in setsid flock setpriv; do
        command -v "$program" >/dev/null || lacks "$program" util-linux
    done
    [ "$want" != test ] || check_tests
}

check_tests() {
    command -v javac >/dev/null || lacks "a Java compiler" "$(java_package | sed s/jre/jdk/)"
    command -v kcat >/dev/null || lacks kcat kcat
    command -v openssl >/dev/null || lacks openssl openssl
    # Debian's Python without this package makes environments without pip.
    python3 -c 'import venv, ensurepip' 2>/dev/null || lacks "Python with venv" "python3 python3-venv"
}

# Debian's default where it is new enough, else the oldest that Kafka 4 runs on.
java_package() {
    case $(apt-cache show default-jre-headless 2>/dev/null | sed -n 's/^Version: 2:1\.\([0-9]*\).*/\1/p' | head -n 1) in
        17 | 18 | 19 | [2-9][0-9]) echo default-jre-headless ;;
        *) echo openjdk-17-jre-headless ;;
    esac
}

install_packages() {
    if [ "$(id -u)" = 0 ]; then
        as_root=""
    elif sudo -n true 2>/dev/null; then
        as_root="sudo -n"
    else
        stop "missing: $missing. Type:  sudo apt-get install -y $packages"
    fi
    # The lists of a fresh machine are empty, those of an old one name files that are gone: fetch them and try again.
    echo "setup-kafka: installing $packages" >&2
    apt_install 2>/dev/null || { apt_get update && check_machine && apt_install; } ||
        stop "apt-get failed. Type:  ${as_root:+sudo }apt-get update && ${as_root:+sudo }apt-get install -y $packages"
}

apt_install() {
    # Unquoted on purpose: a list of words.
    apt_get install -y --no-install-recommends $packages
}

apt_get() {
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=300 "$@" >&2 </dev/null
}

check_machine
[ -n "$packages" ] || exit 0
if command -v apt-get >/dev/null && [ -e /etc/debian_version ]; then
    install_packages
    check_machine
fi
[ -z "$missing" ] || stop "missing: $missing. In Debian's words: $packages"
