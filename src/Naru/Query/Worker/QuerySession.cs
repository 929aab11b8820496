using Naru.Lake.DuckDb;
using Naru.Query.Functions;
using Naru.Query.Gate;
using Naru.Query.Results;
using Naru.Query.Sandbox;

namespace Naru.Query.Worker;

/// <summary>
/// One run's DuckDB and the thread it lives on. Opened ahead and empty, it parses for as many refused statements as may
/// come; the first run makes it used up. The thread has 16 MB of stack (300 chained CTEs overflow 1.5 MB); a run first
/// narrows the thread to the run's own files by a Landlock layer, and DuckDB's threads, made after that, inherit it.
/// </summary>
internal sealed class QuerySession
{
    private const int StackBytes = 16 << 20;

    private const string ParseSql = "SELECT CAST(json_serialize_sql($1::VARCHAR) AS VARCHAR)";
    private const string RenderSql = "SELECT json_deserialize_sql(CAST($1::VARCHAR AS JSON))";

    private readonly WorkerChannel _channel;
    private readonly WorkerSetup _setup;
    private readonly TimeZoneInfo _zone;
    private readonly Thread _thread;
    private readonly object _gate = new();
    private readonly Queue<(FrameKind Kind, byte[] Payload)> _texts = new();
    private RunRequest? _run;
    private DuckDbConnection? _connection;
    private volatile bool _cancelled;
    private bool _open;

    public QuerySession(WorkerChannel channel, WorkerSetup setup, TimeZoneInfo zone)
    {
        _channel = channel;
        _setup = setup;
        _zone = zone;
        _thread = new Thread(Live, StackBytes) { IsBackground = true, Name = "naru-query" };
        _thread.Start();
    }

    /// <summary>A run was asked for; the next command is for the next session.</summary>
    public bool Used { get; private set; }

    public void WaitOpen()
    {
        lock (_gate)
        {
            while (!_open)
            {
                Monitor.Wait(_gate);
            }
        }
    }

    public void WaitEnd() => _thread.Join();

    public void Parse(byte[] text) => Enqueue(FrameKind.Parse, text);

    public void Render(byte[] tree) => Enqueue(FrameKind.Render, tree);

    private void Enqueue(FrameKind kind, byte[] payload)
    {
        lock (_gate)
        {
            _texts.Enqueue((kind, payload));
            Monitor.PulseAll(_gate);
        }
    }

    public void Run(RunRequest request)
    {
        lock (_gate)
        {
            Used = true;
            _run = request;
            Monitor.PulseAll(_gate);
        }
    }

    /// <summary>
    /// From any thread. What runs ends with an interrupt, at once or at the end of DuckDB's present step.
    /// </summary>
    public void Cancel()
    {
        if (!Used)
        {
            // The run that was meant has ended; the next one is not to suffer for it.
            return;
        }

        _cancelled = true;
        lock (_gate)
        {
            _connection?.Interrupt();
        }
    }

    private void Live()
    {
        try
        {
            using DuckDbDatabase database = DuckDbDatabase.OpenMemory(InitialSettings());
            DuckDbConnection connection = database.Connect();
            try
            {
                OwnAggregates.Register(connection);
                OwnScalars.Register(connection);
                lock (_gate)
                {
                    _connection = connection;
                    _open = true;
                    Monitor.PulseAll(_gate);
                }

                Serve(connection);
            }
            finally
            {
                lock (_gate)
                {
                    _connection = null;
                }

                connection.Dispose();
            }
        }
        catch (Exception exception)
        {
            // Nothing of a session outlives its worker: the server sees the end of the channel and says so.
            Console.Error.WriteLine($"worker: {exception.GetType().Name}: {exception.Message}");
            Libc.Exit(1);
        }
    }

    private void Serve(DuckDbConnection connection)
    {
        while (true)
        {
            (FrameKind Kind, byte[] Payload) asked;
            lock (_gate)
            {
                while (!_texts.TryDequeue(out asked) && _run is null)
                {
                    Monitor.Wait(_gate);
                }
            }

            if (asked.Payload is null)
            {
                Answer(() => Run(connection));
                return;
            }

            Answer(asked.Kind == FrameKind.Parse
                ? () => Convert(connection, ParseSql, asked.Payload, FrameKind.Tree)
                : () => Convert(connection, RenderSql, asked.Payload, FrameKind.Text));
        }
    }

    private void Run(DuckDbConnection connection)
    {
        RunFinished finished;
        using (new UsageMeter(_channel))
        {
            finished = new QueryRun(_channel, _setup, _zone, _run!).Run(connection, () => _cancelled);
        }

        _channel.Write(FrameKind.Finished, finished, WorkerJson.Default.RunFinished);
    }

    private void Answer(Action work)
    {
        RunFailed failed;
        try
        {
            work();
            return;
        }
        catch (DuckDbException exception)
        {
            failed = RunFailed.Of(exception, exception.PositionBytes);
        }
        catch (UserTextException exception)
        {
            failed = RunFailed.Of(exception.Cause, exception.Offset);
        }
        catch (RuleException exception)
        {
            failed = new RunFailed { Kind = RunFailed.RuleKind, Message = exception.Message, Name = exception.Table };
        }
        catch (FilesException exception)
        {
            failed = new RunFailed { Kind = RunFailed.FilesKind, Message = exception.Message, Name = exception.Table };
        }
        catch (WorkbookException exception)
        {
            failed = new RunFailed { Kind = RunFailed.WorkbookKind, Message = exception.Message };
        }
        catch (OutOfMemoryException)
        {
            failed = new RunFailed { Kind = nameof(DuckDbErrorKind.OutOfMemory), Message = "no memory for the rows" };
        }

        _channel.Write(FrameKind.Failed, failed, WorkerJson.Default.RunFailed);
    }

    private void Convert(DuckDbConnection connection, string sql, byte[] text, FrameKind answer)
    {
        using DuckDbStatement statement = connection.Prepare(sql);
        statement.BindUtf8(1, text);
        using DuckDbResult result = statement.Materialize();
        if (result.TryNext(out DuckDbChunk? chunk))
        {
            _channel.Write(answer, chunk[0].Utf8At(0));
        }
    }

    /// <summary>
    /// Nothing from outside: no extension, no secret, no setting file; its own folder for spilled data.
    /// </summary>
    private IEnumerable<KeyValuePair<string, string>> InitialSettings() =>
    [
        new("threads", "1"),
        new("temp_directory", _setup.SpillFolder),
        new("autoinstall_known_extensions", "false"),
        new("autoload_known_extensions", "false"),
        new("allow_community_extensions", "false"),
        new("allow_persistent_secrets", "false"),
    ];
}
