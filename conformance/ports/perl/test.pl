#!/usr/bin/env perl
# Cases derived by hand from spec/framing.md and spec/tp-control.md. Run: perl test.pl
use v5.14;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use Test::More;
use Wire;

# What a stream gives: its messages' payloads, and "class at" of an error, or "end".
sub told {
    my ($decoder, @reads) = @_;
    my @told = map { $_->{payload} } map { $decoder->push($_) } @reads;
    my $clean = $decoder->end;
    return [@told, $clean ? 'end' : "$decoder->{error}{class} $decoder->{error}{at}"];
}
sub open_stream { return Wire::Decoder->new(Wire::parse_frame($_[0], $_[1] // 1024)) }

my %stream = (
    len32          => '0000000568656c6c6f' . '00000000' . '0000000121',
    len64          => '000000000000000568656c6c6f' . '0000000000000000' . '000000000000000121',
    'len56-tagged' => '010000000000000568656c6c6f' . 'ff00000000000000' . '000000000000000121',
    'grpc-lpm'     => '000000000568656c6c6f' . '0000000000' . '000000000121',
);
for my $profile (sort keys %stream) {
    my $bytes = pack 'H*', $stream{$profile};
    my $whole = ['hello', '', '!', 'end'];
    for my $cut (0 .. length $bytes) {
        my @reads = (substr($bytes, 0, $cut), '', substr $bytes, $cut);
        is_deeply told(open_stream($profile), @reads), $whole, "$profile cut at $cut";
    }
    is_deeply told(open_stream($profile), split //, $bytes), $whole, "$profile byte by byte";
    my $prefix = $Wire::PREFIX{$profile}[0] + $Wire::PREFIX{$profile}[1];
    for my $cut (1 .. $prefix + 4) {
        my $class = $cut < $prefix ? 'eof.in-prefix' : 'eof.in-body';
        is_deeply told(open_stream($profile), substr $bytes, 0, $cut), ["$class $cut"], "$profile ends at $cut";
    }
}

my ($five, $six) = map { pack 'Q>', $_ } 5, 6;
is_deeply told(open_stream('len64', 5), "${five}hello"), ['hello', 'end'], 'the limit itself';
is_deeply told(open_stream('len64', 5), $six), ['oversize.declared 8'], 'over the limit, without a body';
is_deeply told(open_stream('len64', 5), "\xff" x 8), ['oversize.declared 8'], 'lengths are unsigned';
is_deeply told(open_stream('len64', 5), "${five}hello$six", "${five}hello"), ['hello', 'oversize.declared 21'],
    'what stands before an error is delivered, what follows is not';
is_deeply told(open_stream('grpc-lpm'), "\1"), ['codec.unsupported 1'], 'a flag is judged before its length';

is_deeply [Wire::encode_frame('grpc-lpm', 'hello', 5)], [undef, pack 'H*', '000000000568656c6c6f'], 'encode';
is_deeply [Wire::encode_frame('len64', 'hello!', 5)], ['oversize.declared'], 'a payload over the limit';
is_deeply [Wire::encode_frame('len56-tagged', '', 5, 256)], ['header.field'], 'no tag above 255';

my $typed = pack('Q>', 1) . 'b' . pack('Q>Q>', 1 << 63 | 2, ~0) . 'xy';
my $parse = Wire::parse_multipart(1, 1024);
my ($message) = Wire::Decoder->new($parse)->push(pack('Q>', length $typed) . $typed);
is_deeply $message, [['b', undef], ['xy', ~0]], 'a type hash is kept in 64 bits';
my $cut = Wire::Decoder->new($parse);
is_deeply [$cut->push(pack('Q>', 7) . "\0" x 7)], [], 'a cut record yields nothing';
is_deeply $cut->error, {class => 'eof.in-prefix', at => 15}, '… and is judged at the end of the frame';

my %ids = (call_id => '9007199254740993', chunk_index => '-9223372036854775808', control_epoch => '7', cache_epoch => '-1');
my (undef, $noop) = Wire::encode_tp({%ids, action => 'NOOP'}, [], 1024);
is unpack('H*', $noop), '0100000000002000' . '0000000000000080' . '0700000000000000' . 'f' x 16 . '0' x 16, 'a TP header';
my ($back) = Wire::Decoder->new(Wire::parse_tp(1024))->push($noop);
is_deeply $back, {header => {%ids, action => 'NOOP'}}, '… and back';
is_deeply [Wire::encode_tp({%ids, call_id => '9223372036854775808', action => 'NOOP'}, [], 1024)], ['header.field'],
    'no 65th bit';

done_testing;
