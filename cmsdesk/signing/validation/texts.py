"""The sentences of reports, each as (Italian, German, English)."""

TEXTS: dict[str, tuple[str, str, str]] = {
    "months": (
        "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
        "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
        "January February March April May June July August September October November December",
    ),
    "moment": (
        "{day} {month} {year}, ore {clock}",
        "{day}. {month} {year}, {clock} Uhr",
        "{day} {month} {year}, {clock}",
    ),
    # --- the file ---
    "signature.one": ("una firma", "eine Signatur", "one signature"),
    "signature.many": ("{count} firme", "{count} Signaturen", "{count} signatures"),
    "head.passed": (
        "{name}: {who}, tutto valido.",
        "{name}: {who}, alles gültig.",
        "{name}: {who}, all valid.",
    ),
    "head.indeterminate": (
        "{name}: {who}; non tutto si può confermare.",
        "{name}: {who}; nicht alles lässt sich bestätigen.",
        "{name}: {who}; not everything can be confirmed.",
    ),
    "head.failed": (
        "{name}: {who}; almeno una non è valida.",
        "{name}: {who}; mindestens eine ist ungültig.",
        "{name}: {who}; at least one is not valid.",
    ),
    "head.unsigned": (
        "{name}: il documento non è firmato.",
        "{name}: das Dokument ist nicht signiert.",
        "{name}: the document is not signed.",
    ),
    "head.stamp.passed": (
        "{name}: marca temporale valida.",
        "{name}: gültiger Zeitstempel.",
        "{name}: valid time stamp.",
    ),
    "head.stamp.indeterminate": (
        "{name}: la marca temporale non si può confermare.",
        "{name}: der Zeitstempel lässt sich nicht bestätigen.",
        "{name}: the time stamp cannot be confirmed.",
    ),
    "head.stamp.failed": (
        "{name}: la marca temporale non è valida.",
        "{name}: der Zeitstempel ist ungültig.",
        "{name}: the time stamp is not valid.",
    ),
    "content": (
        "Documento: {name} ({kind}, {size} byte). Impronta SHA-256: {sha256}",
        "Dokument: {name} ({kind}, {size} Byte). SHA-256-Prüfsumme: {sha256}",
        "Document: {name} ({kind}, {size} bytes). SHA-256: {sha256}",
    ),
    "content.missing": (
        "Il documento firmato non è in questo file: indicarlo per la verifica.",
        "Das signierte Dokument ist nicht in dieser Datei: für die Prüfung angeben.",
        "The signed document is not in this file: give it to verify the signature.",
    ),
    "kind.pdf": ("PDF", "PDF", "PDF"),
    "kind.xml": ("XML", "XML", "XML"),
    "kind.text": ("testo", "Text", "text"),
    "kind.image": ("immagine", "Bild", "image"),
    "kind.archive": (
        "archivio o documento d'ufficio",
        "Archiv oder Office-Dokument",
        "archive or office document",
    ),
    "kind.cms": ("busta firmata", "signierter Umschlag", "signed envelope"),
    "kind.other": ("altro formato", "anderes Format", "other format"),
    "inner": (
        "Il documento contenuto, {name}, è a sua volta firmato:",
        "Das enthaltene Dokument {name} ist selbst signiert:",
        "The document inside, {name}, is itself signed:",
    ),
    "note.ignored-old-signatures": (
        "Il PDF contiene anche firme di un formato superato, che non sono state esaminate.",
        "Das PDF enthält auch Signaturen in einem veralteten Format, die nicht geprüft wurden.",
        "The PDF also holds signatures in an obsolete format, which were not examined.",
    ),
    # --- one signature ---
    "role.signature": ("Firma {number}: {who}", "Signatur {number}: {who}", "Signature {number}: {who}"),
    "role.countersignature": (
        "Controfirma {number}: {who}",
        "Gegensignatur {number}: {who}",
        "Countersignature {number}: {who}",
    ),
    "role.document-timestamp": (
        "Marca temporale sul documento {number}: {who}",
        "Dokumentzeitstempel {number}: {who}",
        "Document time stamp {number}: {who}",
    ),
    "role.timestamp": ("Marca temporale: {who}", "Zeitstempel: {who}", "Time stamp: {who}"),
    "unknown-person": (
        "certificato non presente",
        "Zertifikat nicht vorhanden",
        "certificate not present",
    ),
    "verdict.passed": ("Valida.", "Gültig.", "Valid."),
    "verdict.indeterminate": (
        "Non si può confermare: {reason}.",
        "Lässt sich nicht bestätigen: {reason}.",
        "Cannot be confirmed: {reason}.",
    ),
    "verdict.failed": ("Non valida: {reason}.", "Ungültig: {reason}.", "Not valid: {reason}."),
    "cert": (
        "{kind}: {name}, rilasciato da {issuer}.",
        "{kind}: {name}, ausgestellt von {issuer}.",
        "{kind}: {name}, issued by {issuer}.",
    ),
    "cert.qualified-device": (
        "Certificato qualificato su dispositivo qualificato, secondo l'elenco di fiducia",
        "Qualifiziertes Zertifikat auf qualifizierter Einheit, laut Vertrauensliste",
        "Qualified certificate on a qualified device, by the trust list",
    ),
    "cert.qualified": (
        "Certificato qualificato, secondo l'elenco di fiducia",
        "Qualifiziertes Zertifikat, laut Vertrauensliste",
        "Qualified certificate, by the trust list",
    ),
    "cert.not-qualified": (
        "Certificato non qualificato, secondo l'elenco di fiducia",
        "Laut Vertrauensliste kein qualifiziertes Zertifikat",
        "Not a qualified certificate, by the trust list",
    ),
    "cert.claims": (
        "Certificato che si dichiara qualificato (nessun elenco di fiducia consultato)",
        "Zertifikat, das sich als qualifiziert bezeichnet (keine Vertrauensliste geprüft)",
        "Certificate that says it is qualified (no trust list consulted)",
    ),
    "cert.plain": ("Certificato", "Zertifikat", "Certificate"),
    "time.proven": (
        "Esisteva già: {when} (provato dalla marca temporale di {authority}).",
        "Bestand nachweislich am {when} (Zeitstempel von {authority}).",
        "Existed at {when} (proven by the time stamp of {authority}).",
    ),
    "time.claimed": (
        "Data dichiarata da chi firma, non provata: {when}.",
        "Vom Unterzeichner angegebene, nicht bewiesene Zeit: {when}.",
        "Time claimed by the signer, not proven: {when}.",
    ),
    "time.claimed-too": (
        "Data dichiarata da chi firma: {when}.",
        "Vom Unterzeichner angegebene Zeit: {when}.",
        "Time claimed by the signer: {when}.",
    ),
    "time.none": ("Nessuna data indicata.", "Keine Zeit angegeben.", "No time given."),
    "time.untrusted": (
        "Marca temporale del {when} non confermata ({reason}).",
        "Zeitstempel vom {when} nicht bestätigt ({reason}).",
        "Time stamp of {when} not confirmed ({reason}).",
    ),
    "then.proven": (
        "Certificato a quella data: {status}.",
        "Zertifikat zu dieser Zeit: {status}.",
        "Certificate at that time: {status}.",
    ),
    "then.claimed": (
        "Certificato alla data dichiarata: {status}.",
        "Zertifikat zur angegebenen Zeit: {status}.",
        "Certificate at the claimed time: {status}.",
    ),
    "now": ("Certificato oggi: {status}.", "Zertifikat heute: {status}.", "Certificate today: {status}."),
    "status.good": ("valido", "gültig", "valid"),
    "status.revoked": ("revocato dal {since}", "widerrufen seit {since}", "revoked since {since}"),
    "status.suspended": ("sospeso dal {since}", "ausgesetzt seit {since}", "suspended since {since}"),
    "status.expired": ("scaduto", "abgelaufen", "expired"),
    "status.not-yet-valid": ("non ancora valido", "noch nicht gültig", "not yet valid"),
    "status.unknown": (
        "stato non verificato (mancano le informazioni di revoca)",
        "Status nicht geprüft (Widerrufsdaten fehlen)",
        "status not checked (revocation data are missing)",
    ),
    "status.untrusted": (
        "non riconducibile a un'autorità di fiducia",
        "nicht auf eine vertrauenswürdige Stelle zurückführbar",
        "does not lead to a trusted authority",
    ),
    "covers.part": (
        "La firma non copre tutto ciò che il file mostra.",
        "Die Signatur deckt nicht alles ab, was die Datei zeigt.",
        "The signature does not cover all that the file shows.",
    ),
    "change.none": (
        "Dopo non è stato cambiato nulla.",
        "Danach wurde nichts geändert.",
        "Nothing was changed afterwards.",
    ),
    "change.maintenance": (
        "Dopo sono stati aggiunti solo dati di verifica o marche temporali.",
        "Danach wurden nur Prüfdaten oder Zeitstempel hinzugefügt.",
        "Afterwards only validation data or time stamps were added.",
    ),
    "change.form-or-signature": (
        "Dopo sono state aggiunte altre firme o compilati campi.",
        "Danach kamen weitere Signaturen hinzu oder wurden Felder ausgefüllt.",
        "Afterwards signatures were added or fields filled in.",
    ),
    "change.annotation": (
        "Dopo sono state aggiunte annotazioni.",
        "Danach wurden Anmerkungen hinzugefügt.",
        "Afterwards annotations were added.",
    ),
    "change.content": (
        "Dopo la firma è stato cambiato il contenuto.",
        "Nach der Signatur wurde der Inhalt geändert.",
        "The content was changed after signing.",
    ),
    "change.later": ("Aggiunti dopo: {names}.", "Später hinzugefügt: {names}.", "Added later: {names}."),
    "change.forbidden": (
        "La firma non consentiva questi cambiamenti.",
        "Die Signatur ließ diese Änderungen nicht zu.",
        "The signature did not allow these changes.",
    ),
    "level.NONE": (
        "Livello: nessun livello di base raggiunto.",
        "Niveau: kein Basisniveau erreicht.",
        "Level: no baseline level reached.",
    ),
    "level.BASIC": (
        "Livello B-B: firma senza data provata.",
        "Niveau B-B: Signatur ohne bewiesene Zeit.",
        "Level B-B: signature without proven time.",
    ),
    "level.TIME": (
        "Livello B-T: firma con data provata.",
        "Niveau B-T: Signatur mit bewiesener Zeit.",
        "Level B-T: signature with proven time.",
    ),
    "level.LONG_TERM": (
        "Livello B-LT: contiene i dati per verificarla in futuro.",
        "Niveau B-LT: enthält die Daten für eine spätere Prüfung.",
        "Level B-LT: holds the data to verify it in the future.",
    ),
    "level.ARCHIVE": (
        "Livello B-LTA: dati di verifica protetti da una marca di archiviazione.",
        "Niveau B-LTA: Prüfdaten durch einen Archivzeitstempel geschützt.",
        "Level B-LTA: validation data protected by an archive time stamp.",
    ),
    "limit.archive-stamp-not-checked": (
        "Contiene una marca di archiviazione CAdES di vecchio tipo o senza il suo documento: non esaminata.",
        "Enthält einen CAdES-Archivzeitstempel alter Art oder ohne sein Dokument: nicht geprüft.",
        "Holds a CAdES archive time stamp of an old kind or without its document: not examined.",
    ),
    "limit.archive-stamp-broken": (
        "Una marca di archiviazione CAdES non è confermata, o ciò che copriva manca o è cambiato.",
        "Ein CAdES-Archivzeitstempel ist nicht bestätigt, oder was er abdeckte, fehlt oder ist geändert.",
        "A CAdES archive time stamp is not confirmed, or what it covered is missing or changed.",
    ),
    # --- reasons: EN 319 102-1 clause 5.1.3 ---
    "reason.other": ("motivo {code}", "Grund {code}", "reason {code}"),
    "reason.HASH_FAILURE": (
        "il documento non è quello firmato",
        "das Dokument ist nicht das signierte",
        "the document is not the one that was signed",
    ),
    "reason.SIG_CRYPTO_FAILURE": (
        "la firma non corrisponde al certificato",
        "die Signatur passt nicht zum Zertifikat",
        "the signature does not match the certificate",
    ),
    "reason.FORMAT_FAILURE": (
        "la firma è danneggiata o malformata",
        "die Signatur ist beschädigt oder fehlerhaft aufgebaut",
        "the signature is damaged or malformed",
    ),
    "reason.DOCUMENT_CHANGED": (
        "il documento è stato cambiato dopo la firma",
        "das Dokument wurde nach der Signatur geändert",
        "the document was changed after signing",
    ),
    "reason.REVOKED": (
        "il certificato era revocato",
        "das Zertifikat war widerrufen",
        "the certificate was revoked",
    ),
    "reason.REVOKED_NO_POE": (
        "il certificato è revocato o sospeso, e non è provato che la firma sia anteriore",
        "das Zertifikat ist widerrufen oder ausgesetzt, und nichts beweist, dass die Signatur älter ist",
        "the certificate is revoked or suspended, and nothing proves that the signature is older",
    ),
    "reason.REVOKED_CA_NO_POE": (
        "il certificato dell'autorità è revocato",
        "das Zertifikat der Zertifizierungsstelle ist widerrufen",
        "the authority's certificate is revoked",
    ),
    "reason.OUT_OF_BOUNDS_NO_POE": (
        "il certificato non è valido oggi, e non è provato che la firma sia anteriore alla scadenza",
        "das Zertifikat ist heute nicht gültig, und nichts beweist, dass die Signatur älter ist",
        "the certificate is not valid today, and nothing proves that the signature is older",
    ),
    "reason.EXPIRED": (
        "il certificato era scaduto",
        "das Zertifikat war abgelaufen",
        "the certificate had expired",
    ),
    "reason.NOT_YET_VALID": (
        "il certificato non era ancora valido",
        "das Zertifikat war noch nicht gültig",
        "the certificate was not yet valid",
    ),
    "reason.TRY_LATER": (
        "lo stato del certificato non è noto: servono informazioni di revoca aggiornate",
        "der Status des Zertifikats ist unbekannt: aktuelle Widerrufsdaten sind nötig",
        "the certificate's status is not known: current revocation data are needed",
    ),
    "reason.CERTIFICATE_CHAIN_GENERAL_FAILURE": (
        "il certificato non si può controllare fino all'autorità di fiducia",
        "das Zertifikat lässt sich nicht bis zur vertrauenswürdigen Stelle prüfen",
        "the certificate cannot be checked up to a trusted authority",
    ),
    "reason.NO_CERTIFICATE_CHAIN_FOUND": (
        "il certificato non risale a un'autorità di fiducia",
        "das Zertifikat führt zu keiner vertrauenswürdigen Stelle",
        "the certificate does not lead to a trusted authority",
    ),
    "reason.CHAIN_CONSTRAINTS_FAILURE": (
        "il certificato non è adatto a questa firma",
        "das Zertifikat ist für diese Signatur nicht geeignet",
        "the certificate is not fit for this signature",
    ),
    "reason.CRYPTO_CONSTRAINTS_FAILURE": (
        "l'algoritmo usato non è più sicuro",
        "das verwendete Verfahren ist nicht mehr sicher",
        "the algorithm used is no longer secure",
    ),
    "reason.CRYPTO_CONSTRAINTS_FAILURE_NO_POE": (
        "l'algoritmo usato non è più sicuro, e la data della firma non è provata",
        "das verwendete Verfahren ist nicht mehr sicher, und die Zeit der Signatur ist nicht bewiesen",
        "the algorithm used is no longer secure, and the time of the signature is not proven",
    ),
    "reason.NO_SIGNING_CERTIFICATE_FOUND": (
        "il certificato di chi firma manca o non è quello indicato",
        "das Zertifikat des Unterzeichners fehlt oder ist ein anderes",
        "the signer's certificate is missing or is another one",
    ),
    "reason.SIGNED_DATA_NOT_FOUND": (
        "manca il documento firmato",
        "das signierte Dokument fehlt",
        "the signed document is missing",
    ),
    "reason.REVOCATION_OUT_OF_BOUNDS_NO_POE": (
        "le informazioni di revoca non provano lo stato del certificato a quella data",
        "die Widerrufsdaten beweisen den damaligen Status des Zertifikats nicht",
        "the revocation data do not prove the certificate's status at that time",
    ),
    "reason.SIG_CONSTRAINTS_FAILURE": (
        "la firma non rispetta una regola richiesta",
        "die Signatur hält eine verlangte Regel nicht ein",
        "the signature does not follow a rule that is required",
    ),
    "reason.POLICY_PROCESSING_ERROR": (
        "le regole di firma indicate non si possono leggere",
        "die genannten Signaturregeln lassen sich nicht lesen",
        "the signature policy it names cannot be read",
    ),
    "reason.SIGNATURE_POLICY_NOT_AVAILABLE": (
        "le regole di firma indicate non sono disponibili",
        "die genannten Signaturregeln sind nicht verfügbar",
        "the signature policy it names is not available",
    ),
    "reason.TIMESTAMP_ORDER_FAILURE": (
        "le marche temporali si contraddicono nell'ordine",
        "die Zeitstempel widersprechen sich in ihrer Reihenfolge",
        "the time stamps contradict each other in their order",
    ),
    "reason.OUT_OF_BOUNDS_NOT_REVOKED": (
        "il certificato oggi non è valido; non risulta revocato",
        "das Zertifikat ist heute nicht gültig; widerrufen ist es nicht",
        "the certificate is not valid today; it is not known to be revoked",
    ),
    "reason.NO_POE": (
        "non è provato che la firma esistesse a quella data",
        "nichts beweist, dass die Signatur zu dieser Zeit bestand",
        "nothing proves that the signature existed at that time",
    ),
    "reason.GENERIC": (
        "il file non si può interpretare in modo univoco",
        "die Datei lässt sich nicht eindeutig lesen",
        "the file cannot be read in one way only",
    ),
}
