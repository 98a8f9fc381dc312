"""Real defects that vectors would have shown: what was wrong, in our words. The id is that of an issue or pull request on GitHub."""

DEFECTS = {
    "DitchOoM/buffer#309": "A length beyond what the language's integer holds wrapped round, and passed for a small one.",
    "davedoesdev/frame-stream#6": "After an empty chunk the decoder asked for no other, and the stream stood still.",
    "google/capsem#128": "A frame above the limit was refused, its body stayed in the stream, and was read as the next frames.",
    "hyperium/h2#624": "The reader adjusted a length that the writer had not, and a limit that was judged too early hid it.",
    "kaeawc/auto-mobile#4225": "One bad header was reported again with every read that followed.",
    "matthunz/futures-codec#34": "The prefix was thrown away when its body was not in the same read.",
    "stratum-mining/stratum#2327": "Six bytes that promised sixteen megabytes had them reserved, on each connection.",
    "tokio-rs/tokio#333": "The whole frame was reserved as soon as its header promised it.",
    "tokio-rs/tokio#4815": "A length was held against the limit before it was adjusted: the largest frame allowed was refused.",
    "vectordotdev/vector#26169": "A prefix that two reads bring was read wrong.",
}
