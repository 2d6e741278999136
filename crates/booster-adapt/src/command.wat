;; The adapter of a WASI command. Input and output are in a memory of its own: some C libraries take all that their
;; memory has when they start for free.
(module
  (import "main" "memory" (memory $main 0))
  (import "main" "_start" (func $start))
  (memory $own (export "memory") 1)

  ;; The input, and how far it has been read.
  (global $in (mut i32) (i32.const 0))
  (global $in_len (mut i32) (i32.const 0))
  (global $in_pos (mut i32) (i32.const 0))
  ;; The output so far, and the room for it.
  (global $out (mut i32) (i32.const 0))
  (global $out_len (mut i32) (i32.const 0))
  (global $out_cap (mut i32) (i32.const 0))
  ;; What is left of the pages taken.
  (global $free (mut i32) (i32.const 0))
  (global $end (mut i32) (i32.const 0))

  ;; Takes memory, aligned to eight bytes. There is no giving back: an instance does one job.
  (func $alloc (param $size i32) (result i32)
    (local $at i32) (local $pages i32)
    (local.set $size (i32.and (i32.add (local.get $size) (i32.const 7)) (i32.const -8)))
    (if (i32.gt_u (local.get $size) (i32.sub (global.get $end) (global.get $free)))
      (then
        (local.set $pages (i32.add (i32.shr_u (local.get $size) (i32.const 16)) (i32.const 1)))
        (local.set $at (memory.grow $own (local.get $pages)))
        (if (i32.eq (local.get $at) (i32.const -1)) (then unreachable))
        (global.set $free (i32.shl (local.get $at) (i32.const 16)))
        (global.set $end (i32.add (global.get $free) (i32.shl (local.get $pages) (i32.const 16))))))
    (local.set $at (global.get $free))
    (global.set $free (i32.add (global.get $free) (local.get $size)))
    (local.get $at))

  (func $min (param $a i32) (param $b i32) (result i32)
    (select (local.get $a) (local.get $b) (i32.lt_u (local.get $a) (local.get $b))))

  (func (export "cabi_realloc") (param $old i32) (param $old_size i32) (param $align i32) (param $size i32)
    (result i32)
    (local $new i32)
    (local.set $new (call $alloc (local.get $size)))
    (memory.copy $own $own (local.get $new) (local.get $old) (call $min (local.get $old_size) (local.get $size)))
    (local.get $new))

  ;; The job: an input in, `result<string, string>` out.
  (func (export "apply") (param $input i32) (param $len i32) (result i32)
    (local $result i32)
    (global.set $in (local.get $input))
    (global.set $in_len (local.get $len))
    (call $start)
    (local.set $result (call $alloc (i32.const 12)))
    (i32.store $own (local.get $result) (call $refused))
    (i32.store $own offset=4 (local.get $result) (global.get $out))
    (i32.store $own offset=8 (local.get $result) (global.get $out_len))
    (local.get $result))

  ;; Where the next byte of the output that is no blank stands, from $at on.
  (func $skip (param $at i32) (result i32)
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $at) (global.get $out_len)))
        (br_if $done (i32.gt_u (i32.load8_u $own (i32.add (global.get $out) (local.get $at))) (i32.const 32)))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (br $next)))
    (local.get $at))

  ;; The byte of the output at $at; zero behind its end.
  (func $byte (param $at i32) (result i32)
    (if (result i32) (i32.lt_u (local.get $at) (global.get $out_len))
      (then (i32.load8_u $own (i32.add (global.get $out) (local.get $at))))
      (else (i32.const 0))))

  ;; Whether the eight bytes of the output at $at are these.
  (func $is (param $at i32) (param $bytes i64) (result i32)
    (if (result i32) (i32.le_u (i32.add (local.get $at) (i32.const 8)) (global.get $out_len))
      (then (i64.eq (i64.load $own (i32.add (global.get $out) (local.get $at))) (local.get $bytes)))
      (else (i32.const 0))))

  ;; Whether the output begins with {"success":false, with or without blanks.
  (func $refused (result i32)
    (local $at i32)
    (local.set $at (call $skip (i32.const 0)))
    (if (i32.ne (call $byte (local.get $at)) (i32.const 0x7b)) (then (return (i32.const 0)))) ;; {
    (local.set $at (call $skip (i32.add (local.get $at) (i32.const 1))))
    ;; "success
    (if (i32.eqz (call $is (local.get $at) (i64.const 0x7373656363757322))) (then (return (i32.const 0))))
    (local.set $at (i32.add (local.get $at) (i32.const 8)))
    (if (i32.ne (call $byte (local.get $at)) (i32.const 0x22)) (then (return (i32.const 0)))) ;; "
    (local.set $at (call $skip (i32.add (local.get $at) (i32.const 1))))
    (if (i32.ne (call $byte (local.get $at)) (i32.const 0x3a)) (then (return (i32.const 0)))) ;; :
    (local.set $at (call $skip (i32.add (local.get $at) (i32.const 1))))
    (i32.eq (call $byte (local.get $at)) (i32.const 0x66))) ;; the f of false

  ;; Makes room for $more bytes of output: twice the room each time, so that writing stays linear.
  (func $reserve (param $more i32)
    (local $cap i32) (local $new i32)
    (local.set $cap (i32.add (global.get $out_len) (local.get $more)))
    (if (i32.le_u (local.get $cap) (global.get $out_cap)) (then (return)))
    (local.set $cap (i32.shl (local.get $cap) (i32.const 1)))
    (local.set $new (call $alloc (local.get $cap)))
    (memory.copy $own $own (local.get $new) (global.get $out) (global.get $out_len))
    (global.set $out (local.get $new))
    (global.set $out_cap (local.get $cap)))

  (func (export "fd_read") (param $fd i32) (param $iovs i32) (param $count i32) (param $read i32) (result i32)
    (local $n i32) (local $total i32)
    (if (local.get $fd) (then (return (i32.const 8)))) ;; BADF
    (block $done
      (loop $next
        (br_if $done (i32.eqz (local.get $count)))
        (local.set $n
          (call $min
            (i32.load $main offset=4 (local.get $iovs))
            (i32.sub (global.get $in_len) (global.get $in_pos))))
        (memory.copy $main $own
          (i32.load $main (local.get $iovs))
          (i32.add (global.get $in) (global.get $in_pos))
          (local.get $n))
        (global.set $in_pos (i32.add (global.get $in_pos) (local.get $n)))
        (local.set $total (i32.add (local.get $total) (local.get $n)))
        (local.set $iovs (i32.add (local.get $iovs) (i32.const 8)))
        (local.set $count (i32.sub (local.get $count) (i32.const 1)))
        (br $next)))
    (i32.store $main (local.get $read) (local.get $total))
    (i32.const 0))

  (func (export "fd_write") (param $fd i32) (param $iovs i32) (param $count i32) (param $written i32)
    (result i32)
    (local $n i32) (local $total i32)
    (if (i32.gt_u (i32.sub (local.get $fd) (i32.const 1)) (i32.const 1)) (then (return (i32.const 8)))) ;; BADF
    (block $done
      (loop $next
        (br_if $done (i32.eqz (local.get $count)))
        (local.set $n (i32.load $main offset=4 (local.get $iovs)))
        (if (i32.eq (local.get $fd) (i32.const 1))
          (then
            (call $reserve (local.get $n))
            (memory.copy $own $main
              (i32.add (global.get $out) (global.get $out_len))
              (i32.load $main (local.get $iovs))
              (local.get $n))
            (global.set $out_len (i32.add (global.get $out_len) (local.get $n)))))
        (local.set $total (i32.add (local.get $total) (local.get $n)))
        (local.set $iovs (i32.add (local.get $iovs) (i32.const 8)))
        (local.set $count (i32.sub (local.get $count) (i32.const 1)))
        (br $next)))
    (i32.store $main (local.get $written) (local.get $total))
    (i32.const 0))

  ;; Standard input, output and error are there, as character devices on which everything may be tried.
  (func (export "fd_fdstat_get") (param $fd i32) (param $stat i32) (result i32)
    (if (i32.gt_u (local.get $fd) (i32.const 2)) (then (return (i32.const 8)))) ;; BADF
    (i64.store $main (local.get $stat) (i64.const 2))
    (i64.store $main offset=8 (local.get $stat) (i64.const -1))
    (i64.store $main offset=16 (local.get $stat) (i64.const -1))
    (i32.const 0))

  (func (export "fd_close") (param $fd i32) (result i32)
    (select (i32.const 8) (i32.const 0) (i32.gt_u (local.get $fd) (i32.const 2))))

  ;; No arguments and no environment.
  (func $nothing (param $count i32) (param $size i32) (result i32)
    (i32.store $main (local.get $count) (i32.const 0))
    (i32.store $main (local.get $size) (i32.const 0))
    (i32.const 0))
  (export "args_sizes_get" (func $nothing))
  (export "environ_sizes_get" (func $nothing))
  (func $none (param i32 i32) (result i32) (i32.const 0))
  (export "args_get" (func $none))
  (export "environ_get" (func $none))

  ;; The same bytes for everybody: enough for hash tables, useless as a secret.
  (func (export "random_get") (param $at i32) (param $len i32) (result i32)
    (memory.fill $main (local.get $at) (i32.const 0) (local.get $len))
    (i32.const 0))

  (func (export "sched_yield") (result i32) (i32.const 0))

  ;; There is no way out but to return from `_start`.
  (func (export "proc_exit") (param i32) unreachable))
