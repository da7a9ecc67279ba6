use super::*;

fn board(moments: usize) -> Vec<AtomicU64> {
    (0..Board::size(moments))
        .map(|_| AtomicU64::new(0))
        .collect()
}

#[test]
fn every_report_comes_back() {
    for report in [
        Report::Ready,
        Report::Step(7, Part::Whole, Errno::EPERM),
        Report::Step(7, Part::Restrict, Errno::EPERM),
        Report::Step(7, Part::Item(0), Errno::EPERM),
        Report::Step(u32::MAX, Part::Item(255), Errno::new(4095)),
        Report::Execve(u32::MAX, Errno::ENOENT, Clue::None),
        Report::Execve(0, Errno::EACCES, Clue::RefusedLoader),
        Report::Spawn(Errno::EAGAIN),
        Report::Reaper(Errno::EACCES),
        Report::Birth(Errno::ENOMEM),
        Report::ReExecute(Errno::EACCES),
        Report::Plan(Errno::EBADMSG),
    ] {
        let words = board(0);
        let board = Board::new(&words);
        assert_eq!(board.report(), Ok(None));
        board.leave(report);
        assert_eq!(board.report(), Ok(Some(report)));
    }
}

#[test]
fn the_first_failure_stands() {
    let words = board(0);
    let board = Board::new(&words);
    let failures = [Report::Spawn(Errno::EAGAIN), Report::Plan(Errno::EPERM)];
    board.leave(Report::Ready);
    for report in failures {
        board.leave(report);
        assert_eq!(board.report(), Ok(Some(failures[0])));
    }
    let words = self::board(0);
    let board = Board::new(&words);
    for clue in [Clue::None, Clue::NoBit] {
        let report = Report::Execve(1, Errno::EACCES, clue);
        board.leave(report);
        assert_eq!(board.report(), Ok(Some(report)));
    }
}

#[test]
fn a_start_is_called_off_or_goes_on_and_never_both() {
    let words = board(0);
    let board = Board::new(&words);
    assert!(board.call_off());
    assert!(!board.leave(Report::Ready));
    assert!(!board.leave(Report::Spawn(Errno::EPERM)));
    let words = self::board(0);
    let board = Board::new(&words);
    assert!(board.leave(Report::Ready));
    assert!(!board.call_off());
    assert_eq!(board.report(), Ok(Some(Report::Ready)));
    // Who has failed runs nothing either.
    let words = self::board(0);
    let board = Board::new(&words);
    let failure = Report::Spawn(Errno::EPERM);
    assert!(board.leave(failure));
    assert!(board.call_off());
    assert_eq!(board.report(), Ok(Some(failure)));
}

#[test]
fn stray_bytes_are_no_report() {
    let words = board(0);
    words[0].store(u64::MAX, Ordering::Relaxed);
    assert_eq!(Board::new(&words).report(), Err(Errno::EBADMSG));
}

#[test]
fn times_and_lacks() {
    let words = board(Moment::count(2));
    let board = Board::new(&words);
    board.leave_time(Moment::Born, 5);
    board.leave_time(Moment::Done(1), u64::MAX);
    board.leave_lack(Lack::NameServers, Errno::ENOENT);
    assert_eq!(board.command(), None);
    board.leave_command(4_194_304);
    assert_eq!(board.command(), Some(4_194_304));
    assert_eq!(board.times().collect::<Vec<_>>(), [5, 0, 0, 0, u64::MAX]);
    assert_eq!(board.lacks(), [None, Some(Errno::ENOENT)]);
    assert_eq!(board.report(), Ok(None));
}
