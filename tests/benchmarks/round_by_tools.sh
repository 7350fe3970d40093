#!/bin/bash
# The round a–j by OpenSC's and OpenSSL's own programs: what a careful administrator would write.
#
# It does the work of the product's round on the card and at the CA: checks, random codes, personal
# data, two key pairs, two requests signed by the card, the same sandbox CA over its REST interface,
# certificates written and read back, a signature by each key verified, the scratch card's codes set.
# It has no vault, records or log, and so writes nothing durably. Each program is given as much to do
# in one run as it can do. PINs reach the programs by their command lines or environments.
#
# usage: round_by_tools.sh FOLDER    the folder holds job.env (see by_tools.py) and the files it names
set -euo pipefail
cd "$1"
. ./job.env

fail() { echo "$*" >&2; exit 1; }
hex() { od -An -v -tx1 "$@" | tr -d ' \n'; }
bytes() { local text; text=$(sed 's/../\\x&/g' <<<"$1"); printf "$text"; }
pkcs11() { pkcs11-tool --module "$MODULE" "$@" 2>>log >>log || fail pkcs11-tool; }
pad() { printf '%s' "$(printf '%s' "$1" | hex)$(printf 'ff%.0s' $(seq $((8 - ${#1}))))"; }

# apdus COMMAND…: sends commands in one run; prints what they answered, data only, joined, in hexadecimal.
apdus() {
    local options=() command
    for command in "$@"; do options+=(-s "$command"); done
    opensc-tool --reader "$READER" "${options[@]}" >answers 2>>log || fail "opensc-tool"
    if grep 'SW1=' answers | grep -qv 'SW1=0x90, SW2=0x00\|SW1=0x63'; then fail "a command was refused"; fi
    # a line of n bytes: n times two digits and a space, then n characters
    awk '/^[0-9A-F][0-9A-F] / { print substr($0, 1, length($0) / 4 * 3) }' answers | tr -d ' \n' | tr A-F a-f
}
# updates FILE: UPDATE BINARY commands that write it; reads LENGTH: READ BINARY commands.
updates() {
    local data offset=0 part
    data=$(hex "$1")
    while [ -n "$data" ]; do
        part=${data:0:480}
        printf '00d6%04x%02x%s\n' "$offset" $((${#part} / 2)) "$part"
        data=${data:480} offset=$((offset + 240))
    done
}
reads() {
    local offset=0
    while [ "$offset" -lt "$1" ]; do
        printf '00b0%04x%02x\n' "$offset" $(($1 - offset < 240 ? $1 - offset : 240))
        offset=$((offset + 240))
    done
}
select_file() { printf '00a4080c04%s' "$1"; }
verify() { printf '0020000108%s' "$(pad "$1")"; }

ID_CARTA=10001003 C_CARTA=11001101 DATI_PERSONALI=11001102

# --- before anything is changed: the card is the one in stock, blank, with all its tries -----------
answer=$(apdus "$(select_file $ID_CARTA)" 00b0000010 00200001 00200003 \
    "$(select_file $C_CARTA)" 00b0000006 "$(select_file $DATI_PERSONALI)" 00b0000006)
[ "${answer:0:32}" = "$(printf '%s' "$CARD_ID" | hex)" ] || fail "another card"
[ -z "$(tr -d 0 <<<"${answer:32}")" ] || fail "the card is not blank"
[ "$(grep -c 'SW1=0x63, SW2=0xC3' answers)" = 2 ] || fail "codes were tried"
pkcs15-tool --reader "$READER" --list-keys --list-certificates >objects 2>>log
! grep -q ID objects || fail "the card holds keys"
curl "${CURL[@]}" "$CA/ejbca-rest-api/v1/ca/status" -o status --next "${CURL[@]}" "$CA/publicweb/healthcheck/ejbcahealth" -o health
grep -q OK status

# --- a: the operator's card signs the opening ------------------------------------------------------
printf '{"purpose":"opening","device":"%s","at":"%s"}' "$CARD_ID" "$(date -u +%FT%TZ)" >opening
OPENSC_CONF=$OPERATOR_CONF pkcs11 --login --pin "$OPERATOR_PIN" \
    --sign --mechanism SHA256-RSA-PKCS --id 01 --input-file opening --output-file opening.sig
openssl dgst -sha256 -verify operator.pub -signature opening.sig opening >>log
openssl verify -partial_chain -CAfile operator-issuer.pem operator.pem >>log

# --- b: random PIN and PUK -------------------------------------------------------------------------
PIN=$(openssl rand 4 | od -An -tu4 | tr -d ' ') PIN=$(printf '%08d' $((PIN % 100000000)))
PUK=$(openssl rand 4 | od -An -tu4 | tr -d ' ') PUK=$(printf '%08d' $((PUK % 100000000)))
pkcs11 --login --pin "$TRANSPORT_PIN" --change-pin --new-pin "$PIN"
pkcs11 --login --login-type so --so-pin "$TRANSPORT_PUK" --change-pin --new-pin "$PUK"

# --- c: personal data ------------------------------------------------------------------------------
mapfile -t writes < <(updates personal-data)
apdus "$(verify "$PIN")" "$(select_file $DATI_PERSONALI)" "${writes[@]}" >>log

# --- d: key pairs ----------------------------------------------------------------------------------
CNS_USAGE=digitalSignature,keyEncipherment QUALIFIED_USAGE=nonRepudiation
generate() {
    PIN=$PIN pkcs15-init --reader "$READER" --generate-key rsa/2048 --auth-id 01 --pin env:PIN \
        --id "$1" --label "$2" --key-usage "$3" >>log 2>&1 || fail "pkcs15-init"
    pkcs15-tool --reader "$READER" --read-public-key "$1" --output "$4.spki.pem" >>log 2>&1
    openssl pkey -pubin -in "$4.spki.pem" -outform DER -out "$4.spki"
}
generate 01 CNS0 $CNS_USAGE cns
generate 10 CNS1 $QUALIFIED_USAGE qualified

# --- e: requests signed by the card ----------------------------------------------------------------
# OpenSSL makes the request for a key of the same size that lies in a file; the card's key takes its
# place, and the card's signature that of the file's.
SIGNATURE_BYTES=276
request() {
    local id=$1 name=$2 subject=$3 made tbs
    shift 3
    openssl req -new -utf8 -key same-size.pem -subj "$subject" -outform DER -out made "$@" 2>>log
    made=$(hex made) tbs=${made:8:$((${#made} - 8 - 2 * SIGNATURE_BYTES))}
    tbs=${tbs/"$(hex same-size.spki)"/"$(hex "$name.spki")"}
    bytes "$tbs" >tbs
    pkcs11 --login --pin "$PIN" --sign --mechanism SHA256-RSA-PKCS --id "$id" --input-file tbs --output-file sig
    bytes "${made:0:8}${tbs}300d06092a864886f70d01010b05000382010100$(hex sig)" >"$name.csr"
    openssl req -in "$name.csr" -inform DER -verify -noout 2>>log
}
digest=$(openssl dgst -sha1 -binary personal-data | base64)
escaped=${digest//\//\\/} escaped=${escaped//+/\\+} # both mean something in -subj
request 01 cns "/C=IT/OU=$ADMINISTRATION/CN=${FISCAL_CODE}\/${CARD_ID}.${escaped}" \
    -addext "subjectAltName=email:$EMAIL"
request 10 qualified "/C=IT/SN=$SURNAME/GN=$GIVEN_NAME/serialNumber=TINIT-$FISCAL_CODE/CN=$GIVEN_NAME $SURNAME/dnQualifier=$HOLDER_CODE"

# --- f, g: the CA ----------------------------------------------------------------------------------
order() {
    local name=$1 subject=$2 alt_name=$3 ca=$4 profile=$5 entity=$6 code
    code=$(openssl rand -hex 16)
    printf '{"username":"%s-%s","password":"%s","subject_dn":"%s","subject_alt_name":"%s","ca_name":"%s","certificate_profile_name":"%s","end_entity_profile_name":"%s","token":"USERGENERATED"}' \
        "$ORDER" "$name" "$code" "$subject" "$alt_name" "$ca" "$profile" "$entity" >"$name.add"
    printf '{"username":"%s-%s","password":"%s","certificate_request":"%s","certificate_request_type":"PKCS10","certificate_authority_name":"%s","include_chain":true}' \
        "$ORDER" "$name" "$code" "$(base64 -w0 "$name.csr")" "$ca" >"$name.certify"
}
order cns "CN=$FISCAL_CODE/$CARD_ID.${digest//+/\\\\+},OU=$ADMINISTRATION,C=IT" "rfc822Name=$EMAIL" "${CNS_CA[@]}"
order qualified "DN=$HOLDER_CODE,CN=$GIVEN_NAME $SURNAME,SN=TINIT-$FISCAL_CODE,GIVENNAME=$GIVEN_NAME,SURNAME=$SURNAME,C=IT" "" "${QUALIFIED_CA[@]}"
post() { printf '%s\n' "${CURL[@]}" -H "Content-Type: application/json" --data-binary "@$1" "$CA/ejbca-rest-api/v1/$2" -o "$3"; }
mapfile -t calls < <(
    post cns.add endentity added; echo --next
    post cns.certify certificate/certificaterequest cns.answer; echo --next
    post qualified.add endentity added; echo --next
    post qualified.certify certificate/certificaterequest qualified.answer
)
curl "${calls[@]}" 2>>log
for name in cns qualified; do
    sed -E 's/.*"certificate": ?"([^"]+)".*/\1/' $name.answer | base64 -d >$name.der
    openssl x509 -inform DER -in $name.der -out $name.pem
    openssl x509 -in $name.pem -noout -pubkey | cmp -s - $name.spki.pem || fail "for another key"
    openssl verify -CAfile root.pem -untrusted issuers.pem $name.pem >>log
done

# --- h: certificates onto the card -----------------------------------------------------------------
pkcs11 --login --pin "$PIN" --write-object cns.der --type cert --id 01 --label CNS0
pkcs11 --login --pin "$PIN" --write-object qualified.der --type cert --id 10 --label CNS1
mapfile -t writes < <(updates cns.der)
apdus "$(verify "$PIN")" "$(select_file $C_CARTA)" "${writes[@]}" >>log

# --- i: read back, each key signs ------------------------------------------------------------------
mapfile -t personal < <(reads "$(stat -c %s personal-data)")
mapfile -t certificate < <(reads "$(stat -c %s cns.der)")
answer=$(apdus "$(select_file $DATI_PERSONALI)" "${personal[@]}" "$(select_file $C_CARTA)" "${certificate[@]}")
[ "$answer" = "$(hex personal-data)$(hex cns.der)" ] || fail "read back otherwise"
prove() {
    local id=$1 name=$2
    pkcs15-tool --reader "$READER" --read-certificate "$id" --output read.pem >>log 2>&1
    openssl x509 -in read.pem -outform DER | cmp -s - "$name.der" || fail "certificate $name"
    pkcs15-tool --reader "$READER" --read-public-key "$id" --output read.pub >>log 2>&1
    cmp -s read.pub "$name.spki.pem" || fail "key $name"
    printf 'proof %s %s' "$name" "$CARD_ID" >proof
    pkcs11 --login --pin "$PIN" --sign --mechanism SHA256-RSA-PKCS --id "$id" --input-file proof --output-file proof.sig
    openssl x509 -in read.pem -noout -pubkey >proof.pub
    openssl dgst -sha256 -verify proof.pub -signature proof.sig proof >>log
}
prove 01 cns
prove 10 qualified
openssl x509 -in cns.pem -noout -subject | grep -q "$CARD_ID\.$digest" || fail "the name does not bind the data"

# --- j: the scratch card's codes -------------------------------------------------------------------
pkcs11 --login --pin "$PIN" --change-pin --new-pin "$SCRATCH_PIN"
pkcs11 --login --login-type so --so-pin "$PUK" --change-pin --new-pin "$SCRATCH_PUK"
