//! A list of participants, whatever its bytes: read whole and in pieces, with the same result.
#![no_main]

use libfuzzer_sys::fuzz_target;
use lottery::list::{Batch, Country, Options, Reader, read};

fuzz_target!(|bytes: &[u8]| {
    let options = Options { country: Country::parse("CN").ok(), ..Options::default() };
    let whole = read(bytes, options.clone());
    let (mut reader, mut batch) = (Reader::new(options), Batch::default());
    let pushed = bytes.chunks(7).try_for_each(|piece| reader.push(piece, &mut batch));
    let ended = pushed.and_then(|()| reader.finish(&mut batch));
    match (whole, ended) {
        (Ok(list), Ok(())) => assert_eq!(list.rows, batch.rows),
        // Of two faults in one list, whoever sees it all at once may find the second first.
        (Err(_), Err(_)) => {}
        (one, other) => panic!("whole: {one:?}; in pieces: {other:?}"),
    }
});
