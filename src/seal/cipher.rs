//! AES-256-GCM with a random nonce in front and a place in the associated data.

use aes_gcm::{
    Aes256Gcm, Nonce,
    aead::{Aead, KeyInit, Payload},
};

use super::{Place, SealError, random_bytes};

const NONCE: usize = 12;

/// Encrypts: `nonce | ciphertext | tag`.
pub(super) fn encrypt(key: &[u8; 32], place: Place<'_>, plaintext: &[u8]) -> Vec<u8> {
    let nonce: [u8; NONCE] = random_bytes();
    let aad = associated_data(place);
    let ciphertext = Aes256Gcm::new(&(*key).into())
        .encrypt(&Nonce::from(nonce), Payload { msg: plaintext, aad: &aad })
        .expect("AES-GCM refuses only messages above 64 GiB");
    let mut sealed = Vec::with_capacity(NONCE + ciphertext.len());
    sealed.extend_from_slice(&nonce);
    sealed.extend_from_slice(&ciphertext);
    sealed
}

/// Decrypts what [`encrypt`] made with the same key for the same place.
pub(super) fn decrypt(key: &[u8; 32], place: Place<'_>, sealed: &[u8]) -> Result<Vec<u8>, SealError> {
    let (nonce, ciphertext) = sealed.split_first_chunk::<NONCE>().ok_or(SealError::Format)?;
    let aad = associated_data(place);
    Aes256Gcm::new(&(*key).into())
        .decrypt(&Nonce::from(*nonce), Payload { msg: ciphertext, aad: &aad })
        .map_err(|_| SealError::DoesNotOpen)
}

/// Each part with its length before it, so that no two places share their bytes.
fn associated_data(place: Place<'_>) -> Vec<u8> {
    let mut data = b"abstractor 1".to_vec();
    for part in [place.table.as_bytes(), place.row, place.column.as_bytes()] {
        data.extend_from_slice(&(part.len() as u64).to_be_bytes());
        data.extend_from_slice(part);
    }
    data
}
