//! What Entra answers to a sign-in, and a node to that of a managed identity.

use passcode_operator::graph::{Credentials, SignInError, SignedIn};

use crate::{
    desk::{SECRET, ask_as, client_secret},
    message::answers,
    oracles::is_for_people,
};

/// The target.
pub fn run(data: &[u8]) {
    if let Err(error) = sign_in(client_secret(), data) {
        assert!(!format!("{error} {error:?}").contains(SECRET), "the secret");
    }
    // The node was sent no secret that it could repeat.
    let _ = sign_in(Credentials::ManagedIdentity { client_id: "client-1".to_owned() }, data);
}

fn sign_in(credentials: Credentials, data: &[u8]) -> Result<SignedIn, SignInError> {
    let answer = answers(data).swap_remove(0);
    let asked = ask_as(credentials, answer, vec![], async |graph| graph.sign_in().await);
    assert_eq!(asked.of_entra.len(), 1, "asked once");
    if let Err(error) = &asked.answer {
        is_for_people(&error.message);
    }
    asked.answer
}
