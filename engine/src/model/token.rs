//! [`TaskToken`]: names a task in the reports of workers and callbacks.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use sha2::{Digest as _, Sha256};

/// Names a task of an execution, and cannot be guessed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TaskToken {
    pub(crate) execution: u64,
    pub(crate) task: u64,
    proof: u64,
}

impl TaskToken {
    /// The token of a task of the execution with this number and seed.
    pub(crate) fn new(execution: u64, seed: u128, task: u64) -> TaskToken {
        let digest =
            Sha256::new().chain_update(seed.to_le_bytes()).chain_update(task.to_le_bytes()).finalize();
        let mut proof = [0; 8];
        proof.copy_from_slice(&digest[..8]);
        let proof = u64::from_le_bytes(proof);
        TaskToken { execution, task, proof }
    }

    /// Reads a token; `None` if this engine cannot have made it.
    pub(crate) fn parse(text: &str) -> Option<TaskToken> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let mut words = bytes.chunks_exact(8).map(|word| word.try_into().map(u64::from_le_bytes));
        match (words.next()?, words.next()?, words.next()?, words.next(), bytes.len()) {
            (Ok(execution), Ok(task), Ok(proof), None, 24) => Some(TaskToken { execution, task, proof }),
            _ => None,
        }
    }
}

impl fmt::Display for TaskToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = Vec::with_capacity(24);
        for word in [self.execution, self.task, self.proof] {
            bytes.extend_from_slice(&word.to_le_bytes());
        }
        f.write_str(&URL_SAFE_NO_PAD.encode(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_read_back_and_anything_else_is_not() {
        let token = TaskToken { execution: 7, task: 3, proof: 5 };
        assert_eq!(TaskToken::parse(&token.to_string()), Some(token));
        for text in ["", "NoSuchTaskToken", "AAAA", &format!("{token}AAAA")] {
            assert_eq!(TaskToken::parse(text), None);
        }
    }
}
