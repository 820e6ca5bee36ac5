//! Files of labels beside recordings.

use spiked_fuzz::Target;
use spiked_recordings::labels;

/// Any text is read or refused; what was read is written and read again as it was.
#[test]
fn label_files() {
    let examples = [
        "class,startTime_usec,endTime_usec\n1,80048239,85092709\n2,89431170,95231007\n",
        "endTime_usec, class ,startTime_usec\r\n7,1,7\r\n\r\n18446744073709551615,4294967295,0",
        "\u{FEFF}class,startTime_usec,endTime_usec",
    ];
    let examples = examples.map(|text| text.as_bytes().to_vec()).to_vec();
    Target::new("label_files", examples).text().bytes_max(512).run(|input| {
        let Ok(segments) = labels::parse(input) else { return false };
        assert!(segments.iter().all(|segment| segment.span.start_us <= segment.span.end_us));
        let mut text = "class,startTime_usec,endTime_usec\n".to_owned();
        for labels::Segment { label, span } in &segments {
            text += &format!("{label},{},{}\n", span.start_us, span.end_us);
        }
        assert_eq!(labels::parse(text.as_bytes()).expect("as it was"), segments);
        true
    });
}
