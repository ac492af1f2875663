//! Revocation lists for tests: whatever an authority of a test takes back (RFC 5280 §5).

use std::fs;
use std::process::Command;

use rcgen::{
    CertificateRevocationListParams, CrlDistributionPoint, CrlIssuingDistributionPoint, CrlScope,
    KeyIdMethod, RevokedCertParams, date_time_ymd,
};

use super::{Day, PemIdentity, TestCa};

/// What a revocation list says. The constructor says what is right; the rest changes it.
#[derive(Clone, Debug)]
pub struct ListTemplate {
    /// Dates, entries and scope.
    params: CertificateRevocationListParams,
}

impl ListTemplate {
    /// An empty list, in time from 2000 to 2049.
    pub fn new() -> Self {
        let params = CertificateRevocationListParams {
            this_update: date_time_ymd(2000, 1, 1),
            next_update: date_time_ymd(2049, 12, 31),
            crl_number: 1.into(),
            issuing_distribution_point: None,
            revoked_certs: Vec::new(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        Self { params }
    }

    /// In time between two days only.
    pub fn between(mut self, from: Day, to: Day) -> Self {
        self.params.this_update = date_time_ymd(from.0, from.1, from.2);
        self.params.next_update = date_time_ymd(to.0, to.1, to.2);
        self
    }

    /// Takes back the certificate of this serial number.
    pub fn revokes(mut self, number: u64) -> Self {
        self.params.revoked_certs.push(RevokedCertParams {
            serial_number: number.into(),
            revocation_time: date_time_ymd(2000, 1, 2),
            reason_code: None,
            invalidity_date: None,
        });
        self
    }

    /// Says that it is for this place, and for certificates that are authorities' or are not, or
    /// for both.
    pub fn about(mut self, place: &str, authorities: Option<bool>) -> Self {
        let uris = vec![place.to_owned()];
        self.params.issuing_distribution_point = Some(CrlIssuingDistributionPoint {
            distribution_point: CrlDistributionPoint { uris },
            scope: authorities.map(|authorities| match authorities {
                true => CrlScope::CaCertsOnly,
                false => CrlScope::UserCertsOnly,
            }),
        });
        self
    }
}

impl Default for ListTemplate {
    fn default() -> Self {
        Self::new()
    }
}

impl TestCa {
    /// Makes a revocation list that says this, as PEM text.
    pub fn list(&self, template: &ListTemplate) -> String {
        let list = template.params.signed_by(&self.issuer);
        let list = list.expect("the dates are in order, and the authority may sign lists");
        list.pem().expect("a list that was made can be written")
    }

    /// The same in DER.
    pub fn list_der(&self, template: &ListTemplate) -> Vec<u8> {
        let list = template.params.signed_by(&self.issuer);
        let list = list.expect("the dates are in order, and the authority may sign lists");
        list.der().to_vec()
    }
}

impl PemIdentity {
    /// Has the `openssl` program make a list of version 1, in time for twenty years, that takes
    /// back these serial numbers (in hexadecimal); the identity must be an authority's.
    pub fn list_by_openssl(&self, revoked: &[&str]) -> Vec<u8> {
        let folder = tempfile::tempdir().expect("the machine has room for a folder");
        let files = self.write_to(folder.path());
        let (index, config) = (folder.path().join("index"), folder.path().join("config"));
        let entry = |serial: &&str| {
            format!("R\t491231000000Z\t200102000000Z\t{serial}\tunknown\t/CN=someone\n")
        };
        let entries: String = revoked.iter().map(entry).collect();
        fs::write(&index, entries).expect("the folder is writable");
        let text = format!(
            "[ca]\ndefault_ca=here\n[here]\ndatabase={}\ndefault_md=sha256\n",
            index.display()
        );
        fs::write(&config, text).expect("the folder is writable");
        let mut command = Command::new("openssl");
        command.args(["ca", "-gencrl", "-crldays", "7300", "-config"]);
        command.arg(&config).arg("-keyfile").arg(&files.key);
        let output = command.arg("-cert").arg(&files.cert).output();
        let output = output.expect("the tests need the openssl program");
        let said = output.stderr.escape_ascii();
        assert!(output.status.success(), "openssl ca: {said}");
        output.stdout
    }
}
