using System.Collections.Immutable;
using System.Runtime.InteropServices;
using System.Text;
using Naru.Core;

namespace Naru.Lake.DuckDb;

/// <summary>Writes one row's result, or leaves it to be null.</summary>
public delegate void ScalarBody(in ScalarArguments arguments, in ScalarResult result);

/// <summary>
/// A function of a row's values. Pure: DuckDB folds calls of constants while it plans. A null argument makes a null
/// result without a call. What <see cref="ScalarException"/> says is the query's error.
/// </summary>
public sealed record ScalarFunction(
    string Name, ImmutableArray<DuckDbTypeKind> Parameters, DuckDbTypeKind Returns, ScalarBody Body)
{
    /// <summary>Names of the VARCHAR or BOOLEAN fields, when the result is a struct.</summary>
    public ImmutableArray<(string Name, DuckDbTypeKind Kind)> Fields { get; init; } = [];
}

/// <summary>A value that a scalar function cannot take: bad input, in words for whoever wrote the query.</summary>
public sealed class ScalarException(string message) : Exception(message);

/// <summary>One row's arguments, none of them null. Valid during the call.</summary>
public readonly unsafe ref struct ScalarArguments
{
    private readonly ReadOnlySpan<nint> _columns;
    private readonly ReadOnlySpan<DuckDbTypeKind> _kinds;
    private readonly int _row;

    internal ScalarArguments(ReadOnlySpan<nint> columns, ReadOnlySpan<DuckDbTypeKind> kinds, int row)
    {
        _columns = columns;
        _kinds = kinds;
        _row = row;
    }

    /// <summary>The parameter's, or the argument's own where any is taken.</summary>
    public DuckDbTypeKind Kind(int argument) => _kinds[argument];

    /// <summary>A text's or blob's bytes.</summary>
    public ReadOnlySpan<byte> Bytes(int argument)
    {
        byte* slot = (byte*)_columns[argument] + ((long)_row * 16);
        int length = *(int*)slot;
        return new ReadOnlySpan<byte>(length <= DuckDbVector.InlineBytesMax ? slot + 4 : *(byte**)(slot + 8), length);
    }

    public string Text(int argument) => Encoding.UTF8.GetString(Bytes(argument));

    public T Value<T>(int argument)
        where T : unmanaged => ((T*)_columns[argument])[_row];
}

/// <summary>Where one row's result goes. Valid during the call.</summary>
public readonly unsafe ref struct ScalarResult
{
    private readonly nint _vector;
    private readonly int _row;

    internal ScalarResult(nint vector, int row)
    {
        _vector = vector;
        _row = row;
    }

    public void Set(ReadOnlySpan<byte> bytes)
    {
        Mark(true);
        fixed (byte* start = bytes)
        {
            byte none = 0;
            DuckDbApi.AssignString(_vector, (ulong)_row, bytes.IsEmpty ? &none : start, (ulong)bytes.Length);
        }
    }

    /// <summary>Half of a surrogate pair becomes U+FFFD.</summary>
    public void Set(string text) => Set(Encoding.UTF8.GetBytes(text));

    public void Set<T>(T value)
        where T : unmanaged
    {
        Mark(true);
        ((T*)DuckDbApi.VectorData(_vector))[_row] = value;
    }

    /// <summary>A field of a struct; the struct itself is then no null.</summary>
    public ScalarResult Field(int field)
    {
        Mark(true);
        return new ScalarResult(DuckDbApi.StructChild(_vector, (ulong)field), _row);
    }

    internal void Mark(bool valid)
    {
        ulong* validity = DuckDbApi.VectorValidity(_vector);
        if (validity is null)
        {
            if (valid)
            {
                return;
            }

            DuckDbApi.EnsureValidityWritable(_vector);
            validity = DuckDbApi.VectorValidity(_vector);
        }

        ulong bit = 1UL << (_row & 63);
        validity[_row >> 6] = valid ? validity[_row >> 6] | bit : validity[_row >> 6] & ~bit;
    }
}

/// <summary>
/// Registers <see cref="ScalarFunction"/>s. The callback catches everything: a managed exception that reached native
/// frames would end the process. Functions of one name form a set of overloads.
/// </summary>
public static unsafe class ScalarFunctions
{
    /// <summary>For every connection of the connection's database, until that is closed.</summary>
    public static void Register(DuckDbConnection connection, IEnumerable<ScalarFunction> functions)
    {
        ArgumentNullException.ThrowIfNull(connection);
        foreach (IGrouping<string, ScalarFunction> overloads in functions.GroupBy(static function => function.Name))
        {
            nint set = DuckDbApi.CreateScalarFunctionSet(overloads.Key);
            try
            {
                bool added = overloads.All(function => TryAdd(set, function));
                if (!added || DuckDbApi.RegisterScalarFunctionSet(connection.Handle, set) != DuckDbApi.Success)
                {
                    throw new DuckDbException(
                        DuckDbErrorKind.Catalog, $"could not register the function \"{overloads.Key}\"");
                }
            }
            finally
            {
                DuckDbApi.DestroyScalarFunctionSet(ref set);
            }
        }
    }

    private static bool TryAdd(nint set, ScalarFunction function)
    {
        nint native = DuckDbApi.CreateScalarFunction();
        nint result = ResultType(function);
        try
        {
            DuckDbApi.SetScalarFunctionName(native, function.Name);
            foreach (DuckDbTypeKind parameter in function.Parameters)
            {
                nint type = DuckDbApi.CreateLogicalType(parameter);
                DuckDbApi.AddScalarFunctionParameter(native, type);
                DuckDbApi.DestroyLogicalType(ref type);
            }

            DuckDbApi.SetScalarFunctionReturnType(native, result);
            DuckDbApi.SetScalarFunctionExtraInfo(native, GCHandle.ToIntPtr(GCHandle.Alloc(function)), &FreeHandle);
            DuckDbApi.SetScalarFunctionFunction(native, &Run);
            return DuckDbApi.AddScalarFunctionToSet(set, native) == DuckDbApi.Success;
        }
        finally
        {
            DuckDbApi.DestroyLogicalType(ref result);
            DuckDbApi.DestroyScalarFunction(ref native);
        }
    }

    private static nint ResultType(ScalarFunction function)
    {
        if (function.Fields.IsEmpty)
        {
            return DuckDbApi.CreateLogicalType(function.Returns);
        }

        int count = function.Fields.Length;
        nint* types = stackalloc nint[count];
        byte** names = stackalloc byte*[count];
        for (int i = 0; i < count; i++)
        {
            types[i] = DuckDbApi.CreateLogicalType(function.Fields[i].Kind);
            names[i] = (byte*)Marshal.StringToCoTaskMemUTF8(function.Fields[i].Name);
        }

        nint type = DuckDbApi.CreateStructType(types, names, (ulong)count);
        for (int i = 0; i < count; i++)
        {
            DuckDbApi.DestroyLogicalType(ref types[i]);
            Marshal.FreeCoTaskMem((nint)names[i]);
        }

        return type;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(System.Runtime.CompilerServices.CallConvCdecl)])]
    private static void Run(nint info, nint chunk, nint output)
    {
        try
        {
            nint handle = DuckDbApi.ScalarFunctionExtraInfo(info);
            Run((ScalarFunction)GCHandle.FromIntPtr(handle).Target!, chunk, output);
        }
        catch (OutOfMemoryException)
        {
            DuckDbApi.SetScalarFunctionError(info, "a function had no memory left for a value");
        }
        catch (Exception exception)
        {
            DuckDbApi.SetScalarFunctionError(info, exception.Message);
        }
    }

    private static void Run(ScalarFunction function, nint chunk, nint output)
    {
        int count = (int)DuckDbApi.ChunkSize(chunk);
        int parameters = function.Parameters.Length;
        Invariant.Hold(count <= DuckDbApi.VectorRows);
        Span<nint> columns = stackalloc nint[parameters];
        Span<DuckDbTypeKind> kinds = stackalloc DuckDbTypeKind[parameters];
        ulong** validities = stackalloc ulong*[parameters];
        for (int i = 0; i < parameters; i++)
        {
            nint vector = DuckDbApi.ChunkVector(chunk, (ulong)i);
            columns[i] = (nint)DuckDbApi.VectorData(vector);
            validities[i] = DuckDbApi.VectorValidity(vector);
            kinds[i] = function.Parameters[i] == DuckDbTypeKind.Any ? KindOf(vector) : function.Parameters[i];
        }

        for (int row = 0; row < count; row++)
        {
            bool isNull = false;
            for (int i = 0; i < parameters; i++)
            {
                ulong* validity = validities[i];
                isNull |= validity is not null && (validity[row >> 6] & (1UL << (row & 63))) == 0;
            }

            Clear(function, output, row);
            if (!isNull)
            {
                function.Body(new ScalarArguments(columns, kinds, row), new ScalarResult(output, row));
            }
        }
    }

    private static DuckDbTypeKind KindOf(nint vector)
    {
        nint type = DuckDbApi.VectorType(vector);
        DuckDbTypeKind kind = DuckDbApi.TypeId(type);
        DuckDbApi.DestroyLogicalType(ref type);
        return kind;
    }

    /// <summary>Null until the body says a value, fields too.</summary>
    private static void Clear(ScalarFunction function, nint output, int row)
    {
        new ScalarResult(output, row).Mark(false);
        for (int i = 0; i < function.Fields.Length; i++)
        {
            new ScalarResult(DuckDbApi.StructChild(output, (ulong)i), row).Mark(false);
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(System.Runtime.CompilerServices.CallConvCdecl)])]
    private static void FreeHandle(nint handle)
    {
        try
        {
            GCHandle.FromIntPtr(handle).Free();
        }
        catch (InvalidOperationException)
        {
            // Nobody is there to tell, and nothing must leave a callback.
        }
    }
}
