# Shared by run and test: everything a bare Debian 12 lacks, and nothing twice.
# Sourced with the current folder at the project's root.

VENV=${CMSDESK_VENV:-.venv}

PACKAGES_RUN="python3 python3-venv python3-dev gcc pkg-config libpcsclite-dev pcscd vsmartcard-vpcd \
opensc opensc-pkcs11 softhsm2 iproute2 util-linux openssl ca-certificates gettext-base \
libglib2.0-0 libgl1 libegl1 libfontconfig1 libxkbcommon0 libdbus-1-3 libxcb-cursor0 libxcb-icccm4 libxcb-keysyms1 \
libxcb-image0 libxcb-render-util0 libxcb-shape0 libxcb-xkb1 libxkbcommon-x11-0 libcups2"
PACKAGES_TEST="poppler-utils qpdf default-jdk-headless libbcprov-java libbcpkix-java libbcutil-java \
libbcmail-java libpdfbox2-java fonts-dejavu-core gettext postgresql tesseract-ocr tesseract-ocr-ita libjaxb-api-java libengine-pkcs11-openssl \
xvfb xdotool sslscan"

say() { printf '%s\n' "$*" >&2; }

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

installed() {
    dpkg-query -W -f='${db:Status-Status}\n' "$1" 2>/dev/null | grep -qx installed
}

need_packages() {
    missing=
    for package in "$@"; do installed "$package" || missing="$missing $package"; done
    [ -z "$missing" ] && return 0
    say "installing:$missing"
    as_root apt-get update -qq
    # shellcheck disable=SC2086 # a list of words
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
}

usable() {
    "$1" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

find_python() {
    for candidate in ${CMSDESK_PYTHON:-python3.11 python3 python3.12 python3.13}; do
        if usable "$candidate"; then
            command -v "$candidate"
            return 0
        fi
    done
    say "No Python 3.11 or newer with venv was found. Install python3 and python3-venv, then start again."
    return 1
}

# make_venv FOLDER PYTHON: the locked requirements, checked by hash; done again only when the lock changes.
make_venv() {
    stamp="$1/.cmsdesk-lock"
    wanted=$(cat installer/bootstrap.lock installer/build.lock installer/requirements.lock pyproject.toml | sha256sum)
    [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ] && return 0
    say "setting up $1 (once; about a minute)"
    [ -x "$1/bin/python" ] || "$2" -m venv "$1"
    "$1/bin/python" -m pip install -q --require-hashes -r installer/bootstrap.lock
    # pyscard has no wheel for Linux: what builds it is locked too.
    "$1/bin/uv" pip install -q --python "$1/bin/python" --require-hashes -r installer/build.lock
    "$1/bin/uv" pip install -q --python "$1/bin/python" --require-hashes \
        --no-build-isolation-package pyscard -r installer/requirements.lock
    "$1/bin/uv" pip install -q --python "$1/bin/python" --no-deps --no-build-isolation -e .
    printf '%s' "$wanted" >"$stamp"
}

compile_texts() {
    for catalogue in resources/locale/*/LC_MESSAGES/cmsdesk.po; do
        [ -f "$catalogue" ] || continue
        compiled="${catalogue%.po}.mo"
        [ -f "$compiled" ] && [ ! "$catalogue" -nt "$compiled" ] && continue
        "$VENV/bin/pybabel" -q compile -i "$catalogue" -o "$compiled"
    done
}
