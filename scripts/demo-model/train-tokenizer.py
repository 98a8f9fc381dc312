"""Trains a byte-level BPE on the texts of a JSON array on stdin and writes tokenizer.json to the path given.

    train-tokenizer.py VOCABULARY_SIZE PATH
"""

import json
import sys

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

tokenizer = Tokenizer(models.BPE())
tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
tokenizer.decoder = decoders.ByteLevel()
trainer = trainers.BpeTrainer(
    vocab_size=int(sys.argv[1]),
    special_tokens=["<|endoftext|>"],
    initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
    show_progress=False,
)
tokenizer.train_from_iterator(json.load(sys.stdin), trainer)
tokenizer.save(sys.argv[2])
