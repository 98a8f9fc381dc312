/*
 * The leader of a tensor-parallel group and its workers: what each may do, what may go wrong, and what must hold all the same.
 * README.md says which rule and which code each part stands for, and what is left out. The switches are mutations: each takes
 * one rule away, and must break the claim that is named behind it.
 *
 *   HEADER_FIRST      the header leaves before the message is validated     r[tp.send.order]                    torn
 *   NO_TERMINAL       a broadcast fails, and the workers are told nothing   r[tp.send.poison]                   stranded
 *   ORPHANS_STAY      a worker whose leader is gone waits for another       r[tp-session.eof]                   stranded
 *   NO_DEADLINE       a worker waits for ever on a connection gone silent   r[tp-session.eof]                   deadlock
 *   REPEAT_DELIVERED  a message that came before is delivered again         r[tp-session.call-id.duplicate]     twice
 */
#define WORKERS 2
#ifndef CALLS
#define CALLS 2
#endif
#ifndef FAULTS
#define FAULTS 1
#endif
/* Pieces that a connection holds. A message has more, so that a slow worker makes the leader wait. */
#define ROOM 2

/* A stream is cut into these pieces. The first three are headers; behind INFER come MANIFEST and TENSORS. */
mtype = { NOOP, INFER, SHUTDOWN, MANIFEST, TENSORS };

chan wire[WORKERS] = [ROOM] of { mtype, byte /* call_id */ };
bool closed[WORKERS]; /* by either end; the reader gets what is under way first */
bool reset[WORKERS];  /* cut: what is under way may be lost, but never from the middle */
bool silent[WORKERS]; /* carries nothing more, and tells neither end */
bool leader_killed, worker_killed[WORKERS];

/* For the claims. */
byte faults;             /* that have happened */
byte ended;              /* processes */
byte inferred;           /* INFER messages that were broadcast whole */
byte delivered[WORKERS]; /* INFER messages that a worker delivered */
bool stranded, torn, twice, missing;

/* ---- the leader ---- */

#define length(action) (action == INFER -> 3 : 1)
#define owed(w, pieces) (written[w] < pieces)
#define at_boundary(w) (written[w] == 0 || !owed(w, length(action)))

/* The next piece to worker w. Nothing but the connection can fail here: the message is prepared. */
inline write(w) {
  if
  :: written[w] == 0 -> wire[w]!action, call; printf("leader: %e header of call %d to worker %d\n", action, call, w)
  :: written[w] == 1 -> wire[w]!MANIFEST, call; printf("leader: manifest of call %d to worker %d\n", call, w)
  :: written[w] == 2 -> wire[w]!TENSORS, call; printf("leader: tensors of call %d to worker %d\n", call, w)
  fi;
  written[w]++
}

/* Each worker gets its pieces as fast as it takes them. Goes to `failed` when one cannot be written. */
inline broadcast(pieces) {
  do
  :: d_step { owed(0, pieces) && !closed[0] && nfull(wire[0]) -> write(0) }
  :: d_step { owed(1, pieces) && !closed[1] && nfull(wire[1]) -> write(1) }
  :: atomic { owed(0, pieces) && closed[0] -> printf("leader: call %d failed, worker 0 is gone\n", call); goto failed }
  :: atomic { owed(1, pieces) && closed[1] -> printf("leader: call %d failed, worker 1 is gone\n", call); goto failed }
  :: atomic { owed(0, pieces) && full(wire[0]) -> printf("leader: call %d failed, worker 0 takes nothing\n", call); goto failed }
  :: atomic { owed(1, pieces) && full(wire[1]) -> printf("leader: call %d failed, worker 1 takes nothing\n", call); goto failed }
  :: atomic { !owed(0, pieces) && !owed(1, pieces) -> break }
  od
}

/* A terminal action where a header may stand, and then a close; inside a message the close alone. */
inline dismiss(w) {
  atomic {
    if
    :: at_boundary(w) && !closed[w] && nfull(wire[w]) ->
      wire[w]!SHUTDOWN, call + 1; printf("leader: SHUTDOWN to worker %d, and a close\n", w)
    :: !at_boundary(w) || closed[w] || full(wire[w]) -> printf("leader: closes the connection of worker %d\n", w)
    fi;
    closed[w] = true
  }
}

inline again() { d_step { written[0] = 0; written[1] = 0 } }

active proctype Leader() {
  byte call, written[WORKERS];
  bool repeated;
  mtype action = NOOP;
  {
    do
    :: atomic { call == CALLS -> goto terminal }
    :: atomic { call < CALLS ->
        call++;
        again();
        if
        :: action = INFER
        :: action = NOOP
        fi
      }
#ifdef HEADER_FIRST
      broadcast(1);
#endif
      /* Validate, serialise, build specs, materialise. */
      if
      :: atomic { action == INFER -> printf("leader: call %d is refused: the message is bad\n", call);
          if
          :: goto next /* its own: nothing was emitted, the next message can be sent */
          :: goto terminal /* one that it was to pass on from upstream */
          fi
        }
      :: printf("leader: call %d is prepared\n", call)
      fi;
      broadcast(length(action));
      atomic {
        inferred = inferred + (action == INFER);
        if
        :: repeated -> goto next
        :: !repeated -> goto next
        :: !repeated -> repeated = true; again(); printf("leader: repeats call %d\n", call)
        fi
      }
      broadcast(length(action));
next: again()
    od;
failed:
#ifdef NO_TERMINAL
    printf("leader: tells its caller, and says nothing more\n");
    closed[0] && closed[1];
#endif
terminal:
    dismiss(0);
    dismiss(1)
  } unless { leader_killed };
  atomic { closed[0] = true; closed[1] = true; ended++ }
}

/* ---- a worker ---- */

/* The next piece into kind and id; or goes to `gone`. */
inline read() {
  if
  :: !silent[w] && nempty(wire[w]) -> wire[w]?kind, id
  :: !silent[w] && closed[w] && (empty(wire[w]) || reset[w]) ->
#ifdef ORPHANS_STAY
    goto waiting
#else
    printf("worker %d: the leader is gone, it ends\n", w); goto gone
#endif
#ifndef NO_DEADLINE
  :: silent[w] -> printf("worker %d: nothing came, the deadline is over, it ends\n", w); goto gone
#endif
  :: timeout && !silent[w] -> goto waiting
  fi
}

inline expect(piece) {
  atomic {
    read();
    if
    :: kind == piece && id == call -> kind = 0; id = 0
    :: else ->
      printf("worker %d: expected %e of call %d, %e of call %d came\n", w, piece, call, kind, id);
      torn = true;
      assert(!torn)
    fi
  }
}

proctype Worker(byte w) {
  mtype kind;
  byte id, call, last;
  {
    do
    :: atomic {
        read();
        call = id;
        if
        :: kind == SHUTDOWN -> printf("worker %d: got SHUTDOWN, it ends\n", w); goto gone
        :: kind == NOOP -> goto next
        :: kind == INFER -> kind = 0; id = 0
        :: else ->
          printf("worker %d: expected a header, %e of call %d came\n", w, kind, id);
          torn = true;
          assert(!torn)
        fi
      }
      expect(MANIFEST);
      atomic {
        expect(TENSORS);
        if
#ifndef REPEAT_DELIVERED
        :: call == last -> goto next
#endif
        :: else
        fi;
        printf("worker %d: delivers call %d\n", w, call);
        twice = (delivered[w] > 0 && call == last);
        delivered[w]++;
        assert(!twice)
      }
next: atomic { assert(call >= last); last = call; call = 0; id = 0; kind = 0 }
    od;
waiting:
    printf("worker %d: waits, and nothing will ever come\n", w);
    stranded = true;
    assert(!stranded);
gone: skip
  } unless { worker_killed[w] };
  atomic { closed[w] = true; ended++ }
}

/* ---- what goes wrong ---- */

active proctype Faults() {
  do
  :: atomic { faults < FAULTS -> faults++;
      if
      :: leader_killed = true; printf("fault: the leader is killed\n")
      :: worker_killed[0] = true; printf("fault: worker 0 is killed\n")
      :: worker_killed[1] = true; printf("fault: worker 1 is killed\n")
      :: closed[0] = true; reset[0] = true; printf("fault: the connection of worker 0 is cut\n")
      :: closed[1] = true; reset[1] = true; printf("fault: the connection of worker 1 is cut\n")
      :: silent[0] = true; printf("fault: the connection of worker 0 goes silent\n")
      :: silent[1] = true; printf("fault: the connection of worker 1 goes silent\n")
      fi
    }
  :: break
  od
}

init {
  atomic { run Worker(0); run Worker(1) }
  ended == WORKERS + 1;
  missing = (faults == 0 && (delivered[0] < inferred || delivered[1] < inferred));
  assert(!missing)
}
