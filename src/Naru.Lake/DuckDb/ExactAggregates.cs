using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Naru.Core;
using Naru.Core.Numbers;

namespace Naru.Lake.DuckDb;

/// <summary>
/// Aggregate functions of ours in DuckDB, the same arithmetic as the stream's:
///   naru_sum(DOUBLE) -> DOUBLE                 <see cref="ExactSum"/>; null when there was no value
///   naru_approx_count_distinct(ANY) -> BIGINT  <see cref="HyperLogLog"/> over <see cref="VectorHashes"/>
/// A state lies in DuckDB's memory and moves with it; what it holds besides is native and freed by its destructor.
/// DuckDB may combine and finish a state more than once, so neither changes its source. Each callback catches
/// everything: a managed exception that reached native frames would end the process.
/// Only for GROUP BY and the like, with FILTER or DISTINCT if wanted: over a window that is a whole partition, and with
/// ORDER BY among the arguments, DuckDB 1.5.6 hands a function of its C API one state where that expects one for each
/// row, and memory is broken. Nothing here can tell, so whoever lets strangers' SQL call these keeps that away.
/// </summary>
public static unsafe class ExactAggregates
{
    public const string SumName = "naru_sum";
    public const string ApproxCountDistinctName = "naru_approx_count_distinct";

    private const string NoHash = "values of this type cannot be counted approximately; cast them to VARCHAR";

    /// <summary>For every connection of the connection's database, until that is closed.</summary>
    public static void Register(DuckDbConnection connection)
    {
        ArgumentNullException.ThrowIfNull(connection);
        Register(connection, SumName, DuckDbTypeKind.Double, DuckDbTypeKind.Double, static function =>
        {
            DuckDbApi.SetAggregateFunctionFunctions(
                function, &SumBytes, &BeginSum, &UpdateSum, &CombineSum, &FinishSum);
            DuckDbApi.SetAggregateFunctionDestructor(function, &FreeSum);
        });
        RegisterApproxCountDistinct(connection, ApproxCountDistinctName);
    }

    /// <summary>Under a name of the caller's choice.</summary>
    public static void RegisterApproxCountDistinct(DuckDbConnection connection, string name)
    {
        ArgumentNullException.ThrowIfNull(connection);
        Register(connection, name, DuckDbTypeKind.Any, DuckDbTypeKind.BigInt, static function =>
        {
            DuckDbApi.SetAggregateFunctionFunctions(
                function, &SketchBytes, &BeginSketch, &UpdateSketch, &CombineSketch, &FinishSketch);
            DuckDbApi.SetAggregateFunctionDestructor(function, &FreeSketch);
        });
    }

    private static void Register(
        DuckDbConnection connection,
        string name,
        DuckDbTypeKind parameter,
        DuckDbTypeKind result,
        Action<nint> setFunctions)
    {
        nint function = DuckDbApi.CreateAggregateFunction();
        nint parameterType = DuckDbApi.CreateLogicalType(parameter);
        nint resultType = DuckDbApi.CreateLogicalType(result);
        try
        {
            DuckDbApi.SetAggregateFunctionName(function, name);
            DuckDbApi.AddAggregateFunctionParameter(function, parameterType);
            DuckDbApi.SetAggregateFunctionReturnType(function, resultType);
            DuckDbApi.SetAggregateFunctionTakesNulls(function);
            setFunctions(function);
            if (DuckDbApi.RegisterAggregateFunction(connection.Handle, function) != DuckDbApi.Success)
            {
                throw new DuckDbException(DuckDbErrorKind.Catalog, $"could not register the function \"{name}\"");
            }
        }
        finally
        {
            DuckDbApi.DestroyLogicalType(ref parameterType);
            DuckDbApi.DestroyLogicalType(ref resultType);
            DuckDbApi.DestroyAggregateFunction(ref function);
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static ulong SumBytes(nint function) => (ulong)sizeof(SumState);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void BeginSum(nint function, void* state) => *(SumState*)state = default;

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void UpdateSum(nint function, nint chunk, void** states)
    {
        try
        {
            int count = (int)DuckDbApi.ChunkSize(chunk);
            nint vector = DuckDbApi.ChunkVector(chunk, 0);
            double* values = (double*)DuckDbApi.VectorData(vector);
            ulong* validity = DuckDbApi.VectorValidity(vector);
            for (int i = 0; i < count; i++)
            {
                if (IsValue(validity, i))
                {
                    SumState* state = (SumState*)states[i];
                    state->HasValue = 1;
                    state->Sum.Add(values[i]);
                }
            }
        }
        catch (Exception exception)
        {
            DuckDbApi.SetAggregateError(function, exception.Message);
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void CombineSum(nint function, void** from, void** into, ulong count)
    {
        try
        {
            for (ulong i = 0; i < count; i++)
            {
                SumState* source = (SumState*)from[i];
                SumState* target = (SumState*)into[i];
                target->HasValue |= source->HasValue;
                target->Sum.Merge(in source->Sum);
            }
        }
        catch (Exception exception)
        {
            DuckDbApi.SetAggregateError(function, exception.Message);
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void FinishSum(nint function, void** states, nint vector, ulong count, ulong offset)
    {
        try
        {
            DuckDbApi.EnsureValidityWritable(vector);
            double* results = (double*)DuckDbApi.VectorData(vector);
            ulong* validity = DuckDbApi.VectorValidity(vector);
            for (ulong i = 0; i < count; i++)
            {
                SumState* state = (SumState*)states[i];
                ulong row = offset + i;
                results[row] = state->Sum.Round();
                ulong bit = 1UL << (int)(row & 63);
                validity[row >> 6] = state->HasValue != 0 ? validity[row >> 6] | bit : validity[row >> 6] & ~bit;
            }
        }
        catch (Exception exception)
        {
            DuckDbApi.SetAggregateError(function, exception.Message);
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void FreeSum(void** states, ulong count)
    {
        try
        {
            for (ulong i = 0; i < count; i++)
            {
                ((SumState*)states[i])->Sum.Free();
            }
        }
        catch (InvariantException)
        {
            // Nobody is there to tell, and nothing must leave a callback.
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static ulong SketchBytes(nint function) => (ulong)sizeof(HyperLogLog);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void BeginSketch(nint function, void* state) => *(HyperLogLog*)state = default;

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void UpdateSketch(nint function, nint chunk, void** states)
    {
        try
        {
            int count = (int)DuckDbApi.ChunkSize(chunk);
            Invariant.Hold(count <= DuckDbApi.VectorRows);
            nint vector = DuckDbApi.ChunkVector(chunk, 0);
            ulong* hashes = stackalloc ulong[DuckDbApi.VectorRows];
            if (!VectorHashes.TryHash(vector, count, hashes))
            {
                DuckDbApi.SetAggregateError(function, NoHash);
                return;
            }

            ulong* validity = DuckDbApi.VectorValidity(vector);
            for (int i = 0; i < count; i++)
            {
                if (IsValue(validity, i))
                {
                    ((HyperLogLog*)states[i])->Add(hashes[i]);
                }
            }
        }
        catch (Exception exception)
        {
            DuckDbApi.SetAggregateError(function, exception.Message);
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void CombineSketch(nint function, void** from, void** into, ulong count)
    {
        try
        {
            for (ulong i = 0; i < count; i++)
            {
                ((HyperLogLog*)into[i])->Merge(in *(HyperLogLog*)from[i]);
            }
        }
        catch (Exception exception)
        {
            DuckDbApi.SetAggregateError(function, exception.Message);
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void FinishSketch(nint function, void** states, nint vector, ulong count, ulong offset)
    {
        try
        {
            long* results = (long*)DuckDbApi.VectorData(vector);
            for (ulong i = 0; i < count; i++)
            {
                results[offset + i] = ((HyperLogLog*)states[i])->Estimate();
            }
        }
        catch (Exception exception)
        {
            DuckDbApi.SetAggregateError(function, exception.Message);
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void FreeSketch(void** states, ulong count)
    {
        try
        {
            for (ulong i = 0; i < count; i++)
            {
                ((HyperLogLog*)states[i])->Free();
            }
        }
        catch (InvariantException)
        {
            // Nobody is there to tell, and nothing must leave a callback.
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool IsValue(ulong* validity, int row) =>
        validity == null || (validity[row >> 6] & (1UL << (row & 63))) != 0;

    private struct SumState
    {
        public ExactSum Sum;
        public long HasValue;
    }
}
