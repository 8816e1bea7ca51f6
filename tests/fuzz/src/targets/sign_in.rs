//! What Entra answers to a sign-in.

use crate::{
    desk::{SECRET, ask_with},
    message::answers,
    oracles::is_for_people,
};

/// The target.
pub fn run(data: &[u8]) {
    let answer = answers(data).swap_remove(0);
    let asked = ask_with(answer, vec![], async |graph| graph.sign_in().await);
    assert_eq!(asked.of_entra.len(), 1, "asked once");
    match asked.answer {
        Ok(_) => {}
        Err(error) => {
            is_for_people(&error.message);
            assert!(!format!("{error} {error:?}").contains(SECRET), "the secret");
        }
    }
}
