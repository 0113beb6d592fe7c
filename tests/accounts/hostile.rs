//! An OpenID provider that does what it should not: it signs what it is told, with the keys it is
//! told, or does not answer.
//!
//! It stands for all the ways in which a provider, or whoever pretends to be one, can fail. A real
//! one is in `tests/oidc`.

use std::sync::{Arc, Mutex};

use aws_lc_rs::{
    encoding::AsDer,
    hmac,
    rand::SystemRandom,
    rsa::{KeyPair as RsaKeyPair, KeySize},
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_SHA256, RSA_PSS_SHA256,
    },
};
use axum::{
    Router,
    body::Body,
    extract::State,
    http::{StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use futures_util::stream;
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// The client that Préau is at the provider.
pub(super) const CLIENT: &str = "preau";

/// What the client proves itself with.
pub(super) const CLIENT_SECRET: &str = "a-secret-between-two-servers";

/// The provider.
pub(super) struct Hostile {
    /// Its issuer.
    pub(super) url: String,
    told: Arc<Mutex<Told>>,
}

/// What it was told to do, and how often it was asked.
struct Told {
    issuer: String,
    keys: Vec<Value>,
    id_token: String,
    user_info: Value,
    metadata: Value,
    way: Way,
    asked: Vec<String>,
}

/// How it answers.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Way {
    /// As it was told.
    Told,
    /// With an error of its own.
    Broken,
    /// Never.
    Silent,
    /// Without an end.
    Endless,
    /// By naming another address.
    Elsewhere,
}

/// A key that signs tokens.
pub(super) struct Signer {
    name: &'static str,
    key: Kind,
}

enum Kind {
    Ec(EcdsaKeyPair),
    Rsa(RsaKeyPair),
}

impl Hostile {
    /// Starts it on a port of this machine, with this key.
    pub(super) async fn start(signer: &Signer) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let told = Arc::new(Mutex::new(Told {
            issuer: url.clone(),
            keys: vec![signer.public()],
            id_token: String::new(),
            user_info: Value::Null,
            metadata: json!({}),
            way: Way::Told,
            asked: Vec::new(),
        }));
        let router = Router::new().fallback(answer).with_state(Arc::clone(&told));
        tokio::spawn(axum::serve(listener, router).into_future());
        Self { url, told }
    }

    /// The id token that it gives for any code.
    pub(super) fn gives(&self, id_token: String) {
        self.told.lock().unwrap().id_token = id_token;
    }

    /// What it says beyond the token.
    pub(super) fn informs(&self, user_info: Value) {
        self.told.lock().unwrap().user_info = user_info;
    }

    /// The keys that it publishes from now on.
    pub(super) fn publishes(&self, signers: &[&Signer]) {
        self.told.lock().unwrap().keys = signers.iter().map(|signer| signer.public()).collect();
    }

    /// Other words in what it publishes of itself.
    pub(super) fn claims_of_itself(&self, metadata: Value) {
        self.told.lock().unwrap().metadata = metadata;
    }

    /// How it answers from now on.
    pub(super) fn answers(&self, way: Way) {
        self.told.lock().unwrap().way = way;
    }

    /// How often it was asked for this path.
    pub(super) fn asked(&self, path: &str) -> usize {
        self.told.lock().unwrap().asked.iter().filter(|asked| *asked == path).count()
    }
}

impl Signer {
    /// A key for ES256.
    pub(super) fn ec(name: &'static str) -> Self {
        let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        Self { name, key: Kind::Ec(key) }
    }

    /// A key for RS256 and PS256.
    pub(super) fn rsa(name: &'static str) -> Self {
        Self { name, key: Kind::Rsa(RsaKeyPair::generate(KeySize::Rsa2048).unwrap()) }
    }

    /// Its public half, as a JSON Web Key.
    pub(super) fn public(&self) -> Value {
        match &self.key {
            Kind::Ec(key) => {
                let (x, y) = key.public_key().as_ref()[1..].split_at(32);
                json!({ "kty": "EC", "crv": "P-256", "use": "sig", "kid": self.name,
                    "x": text(x), "y": text(y) })
            }
            Kind::Rsa(key) => {
                // A PKCS #1 key of 2048 bits: two headers, the modulus, and 65 537.
                let der = key.public_key().as_ref();
                json!({ "kty": "RSA", "use": "sig", "kid": self.name,
                    "n": text(&der[9..265]), "e": text(&der[267..]) })
            }
        }
    }

    /// Its public half, as whoever confuses it with a shared secret would use it.
    pub(super) fn public_pem(&self) -> Vec<u8> {
        match &self.key {
            Kind::Ec(key) => key.public_key().as_der().unwrap().as_ref().to_vec(),
            Kind::Rsa(key) => AsDer::as_der(key.public_key()).unwrap().as_ref().to_vec(),
        }
    }

    /// A token that says `claims`, signed by this key in the way that `algorithm` names.
    pub(super) fn signs(&self, algorithm: &str, claims: &Value) -> String {
        self.signs_as(&json!({ "alg": algorithm, "kid": self.name }), claims)
    }

    /// The same, with another header.
    pub(super) fn signs_as(&self, head: &Value, claims: &Value) -> String {
        let message = unsigned(head, claims);
        let random = SystemRandom::new();
        let signature = match (&self.key, head["alg"].as_str()) {
            (Kind::Ec(key), _) => key.sign(&random, message.as_bytes()).unwrap().as_ref().to_vec(),
            (Kind::Rsa(key), algorithm) => {
                let way =
                    if algorithm == Some("PS256") { &RSA_PSS_SHA256 } else { &RSA_PKCS1_SHA256 };
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(way, &random, message.as_bytes(), &mut signature).unwrap();
                signature
            }
        };
        format!("{message}.{}", text(&signature))
    }
}

/// A token without a signature.
pub(super) fn unsigned(head: &Value, claims: &Value) -> String {
    format!("{}.{}", text(head.to_string().as_bytes()), text(claims.to_string().as_bytes()))
}

/// A token signed with a shared secret.
pub(super) fn signed_with_secret(secret: &[u8], head: &Value, claims: &Value) -> String {
    let message = unsigned(head, claims);
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), message.as_bytes());
    format!("{message}.{}", text(tag.as_ref()))
}

/// Base 64, as addresses and tokens have it.
pub(super) fn text(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

async fn answer(State(told): State<Arc<Mutex<Told>>>, uri: Uri) -> Response {
    let (way, document) = {
        let mut told = told.lock().unwrap();
        told.asked.push(uri.path().to_owned());
        (told.way, told.document(uri.path()))
    };
    match way {
        Way::Told => match document {
            Some(document) => axum::Json(document).into_response(),
            None => StatusCode::NOT_FOUND.into_response(),
        },
        Way::Broken => (StatusCode::BAD_GATEWAY, "<html>out of order</html>").into_response(),
        Way::Silent => std::future::pending().await,
        Way::Endless => {
            let spaces = stream::repeat_with(|| Ok::<_, std::io::Error>(vec![b' '; 65_536]));
            ([(header::CONTENT_TYPE, "application/json")], Body::from_stream(spaces))
                .into_response()
        }
        Way::Elsewhere => {
            let moved = (StatusCode::FOUND, [(header::LOCATION, "/.well-known/moved")]);
            moved.into_response()
        }
    }
}

impl Told {
    fn document(&self, path: &str) -> Option<Value> {
        let at = |path: &str| format!("{}{path}", self.issuer);
        match path {
            "/.well-known/openid-configuration" => {
                let mut metadata = json!({ "issuer": self.issuer,
                    "authorization_endpoint": at("/authorize"), "token_endpoint": at("/token"),
                    "jwks_uri": at("/keys"),
                    "response_types_supported": ["code"], "subject_types_supported": ["public"],
                    "id_token_signing_alg_values_supported": ["ES256", "RS256", "HS256", "none"] });
                if !self.user_info.is_null() {
                    metadata["userinfo_endpoint"] = at("/me").into();
                }
                for (name, value) in self.metadata.as_object().unwrap() {
                    metadata[name] = value.clone();
                }
                Some(metadata)
            }
            "/keys" => Some(json!({ "keys": self.keys })),
            "/token" => Some(json!({ "access_token": "opaque", "token_type": "Bearer",
                "id_token": self.id_token })),
            "/me" if !self.user_info.is_null() => Some(self.user_info.clone()),
            _ => None,
        }
    }
}
