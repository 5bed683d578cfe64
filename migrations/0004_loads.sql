-- For those who watch: the latest load of an integration, the latest that came to its end, the latest due time that
-- was missed. Each is asked for again and again, and may lie behind any number of others.

-- Loads of everybody that wrote, or were to: no dry runs, no single users, no plans.
CREATE INDEX runs_loads ON runs (integration, run)
    WHERE dry_run = 0 AND partial = 0
      AND state IN ('parked', 'completed', 'completed_with_errors', 'failed', 'interrupted', 'canceled');
CREATE INDEX runs_loads_done ON runs (integration, run)
    WHERE dry_run = 0 AND partial = 0 AND state IN ('completed', 'completed_with_errors');

CREATE INDEX slots_missed ON slots (integration, noticed_at) WHERE state = 'missed';
