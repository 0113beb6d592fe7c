//! What it costs to read a whole département at once: memory does not grow with the file.

use std::{
    fs::File,
    io::{BufWriter, Write},
    path::Path,
};

use super::hostile::cost_of_reading;

/// Several times the largest export of a school.
const FILE_BYTES: usize = 50_000_000;

/// All that the process may have, its program and stack among it.
const PEAK_MAX_KIB: u64 = 64 * 1024;

const HEAD: &str =
    "<PARAMETRES><UAJ>0549998Z</UAJ><ANNEE_SCOLAIRE>2026</ANNEE_SCOLAIRE></PARAMETRES>";

#[test]
fn fifty_megabytes_of_students_are_read_in_sixty_four_of_memory() {
    measure("BEE_ELEVES", "élèves", |n| {
        let address = address(n);
        format!(
            "<ELEVES><ELEVE ELEVE_ID=\"{n}\" ELENOET=\"{n}\">
        <ID_NATIONAL>9{n:08}AB</ID_NATIONAL><INE_RNIE>9{n:08}AB</INE_RNIE><ELENOET>{n}</ELENOET>
        <ID_ELEVE_ETAB>99{n:09}</ID_ELEVE_ETAB><NOM_DE_FAMILLE>NAUTORVILLE-{n}</NOM_DE_FAMILLE>
        <PRENOM>Chloé</PRENOM><DATE_NAISS>01/11/2015</DATE_NAISS><DOUBLEMENT>0</DOUBLEMENT>
        <CODE_PAYS>100</CODE_PAYS><ACCEPTE_SMS>0</ACCEPTE_SMS><CODE_REGIME>0</CODE_REGIME>
        <DATE_MODIFICATION>25/08/2026</DATE_MODIFICATION><DATE_ENTREE>01/09/2026</DATE_ENTREE>
        <VILLE_NAISS/><CODE_SEXE>2</CODE_SEXE><CODE_PAYS_NAT>100</CODE_PAYS_NAT>
        <CODE_STATUT>ST</CODE_STATUT><CODE_MEF>10010012110</CODE_MEF><ADRESSE_ID>{n}</ADRESSE_ID>
        <CODE_COMMUNE_INSEE_NAISS>54395</CODE_COMMUNE_INSEE_NAISS></ELEVE></ELEVES>
        <STRUCTURES><STRUCTURES_ELEVE ELEVE_ID=\"{n}\"><STRUCTURE>
        <CODE_STRUCTURE>6A</CODE_STRUCTURE><TYPE_STRUCTURE>D</TYPE_STRUCTURE></STRUCTURE><STRUCTURE>
        <CODE_STRUCTURE>6LAT</CODE_STRUCTURE><TYPE_STRUCTURE>G</TYPE_STRUCTURE></STRUCTURE>
        </STRUCTURES_ELEVE></STRUCTURES>
        <OPTIONS><OPTION ELEVE_ID=\"{n}\"><OPTIONS_ELEVE><NUM_OPTION>1</NUM_OPTION>
        <CODE_MODALITE_ELECT>O</CODE_MODALITE_ELECT><CODE_MATIERE>030201</CODE_MATIERE>
        </OPTIONS_ELEVE></OPTION></OPTIONS>{address}"
        )
    });
}

#[test]
fn fifty_megabytes_of_guardians_are_read_in_sixty_four_of_memory() {
    measure("BEE_RESPONSABLES", "responsables", |n| {
        let address = address(n);
        format!(
            "<PERSONNES><PERSONNE PERSONNE_ID=\"{n}\"><LC_CIVILITE>MME</LC_CIVILITE>
        <LL_CIVILITE>MADAME</LL_CIVILITE><NOM_DE_FAMILLE>LORVERCHET-{n}</NOM_DE_FAMILLE>
        <PRENOM>Inès</PRENOM><TEL_PERSONNEL/><TEL_PORTABLE>+33639980000</TEL_PORTABLE>
        <ACCEPTE_SMS>1</ACCEPTE_SMS><TEL_PROFESSIONNEL/><MEL>p{n}@example.org</MEL>
        <COMMUNICATION_ADRESSE>1</COMMUNICATION_ADRESSE><ADRESSE_ID>{n}</ADRESSE_ID>
        <CODE_PROFESSION>54</CODE_PROFESSION></PERSONNE></PERSONNES>
        <RESPONSABLES><RESPONSABLE_ELEVE><ELEVE_ID>{n}</ELEVE_ID><PERSONNE_ID>{n}</PERSONNE_ID>
        <NIVEAU_RESPONSABILITE>1</NIVEAU_RESPONSABILITE><CODE_PARENTE>10</CODE_PARENTE>
        <PAIE_FRAIS_SCOLAIRES>1</PAIE_FRAIS_SCOLAIRES><PERCOIT_LES_AIDES>true</PERCOIT_LES_AIDES>
        <HEBERGE_ELEVE>true</HEBERGE_ELEVE><A_CONTACTER_EN_PRIORITE>true</A_CONTACTER_EN_PRIORITE>
        </RESPONSABLE_ELEVE></RESPONSABLES>{address}"
        )
    });
}

/// Writes a file of such records and has it read.
fn measure(root: &str, what: &str, record: impl Fn(usize) -> String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("fichier.xml");
    let (records, bytes) = write(&path, root, record);
    let cost = cost_of_reading(&[&path]);
    let per_second = bytes as u64 / cost.millis.max(1) / 1000;
    eprintln!("{what}: {records} records in {bytes} bytes: {cost:?}, {per_second} MB/s");
    assert_eq!((cost.outcome.as_str(), cost.records), ("read", records));
    assert!(cost.peak_kib <= PEAK_MAX_KIB, "{cost:?}");
}

fn write(path: &Path, root: &str, record: impl Fn(usize) -> String) -> (usize, usize) {
    let mut file = BufWriter::new(File::create(path).unwrap());
    let (mut records, mut bytes) = (0, 0);
    write!(file, "<{root}>{HEAD}<DONNEES>").unwrap();
    while bytes < FILE_BYTES {
        let record = record(records);
        file.write_all(record.as_bytes()).unwrap();
        (records, bytes) = (records + 1, bytes + record.len());
    }
    write!(file, "</DONNEES></{root}>").unwrap();
    file.flush().unwrap();
    (records, bytes)
}

fn address(number: usize) -> String {
    format!(
        "<ADRESSES><ADRESSE ADRESSE_ID=\"{number}\">
        <LIGNE1_ADRESSE>{number} RUE DES ESSAIS</LIGNE1_ADRESSE><LIGNE2_ADRESSE/><LIGNE3_ADRESSE/>
        <LIGNE4_ADRESSE/><COMMUNE_ETRANGERE/><CODE_POSTAL>54000</CODE_POSTAL><CODE_PAYS>100</CODE_PAYS>
        <CODE_COMMUNE_INSEE>54395</CODE_COMMUNE_INSEE><LL_PAYS>FRANCE</LL_PAYS>
        <CODE_DEPARTEMENT>054</CODE_DEPARTEMENT><LIBELLE_POSTAL>NANCY</LIBELLE_POSTAL></ADRESSE></ADRESSES>"
    )
}
