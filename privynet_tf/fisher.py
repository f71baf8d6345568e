"""Fisher's linear discriminability of every channel of a representation, eq. (6) of the paper.

The channels that separate the classes least are pruned (section 3.4). The data owner measures this on
private data, on the local platform; NumPy and SciPy are all it takes.
"""

from collections.abc import Iterable, Iterator

import numpy as np
import scipy.linalg

from privynet_tf.errors import InputError

RIDGE = 1e-14
"""Added to the diagonal of S_w, as a fraction of the trace of the second moments, which the rounding
errors of float64 grow with: enough above them that a singular S_w has a Cholesky factor, and small
enough that J of real representations with 1,024 pixels moves by less than 1e-6 of itself."""

BLOCK_SIZE = 512
"""Images that are multiplied at once: enough to be worth a pass over the scatter matrices, few enough
that their copy is small beside those and one channel of it stays in the cache."""


def discriminability(representations: np.ndarray | Iterable[np.ndarray], labels: np.ndarray) -> np.ndarray:
    """Largest eigenvalue J of S_w^-1 S_b, eq. (6), of each channel, in one pass over the data.

    The maps of a channel are flattened to d = H'W' pixels. S_w is the sum, over all images, of the outer
    product of the map's difference from its class mean; S_b that of the class mean's difference from the
    overall mean. So a class weighs as many times as it has images. J has no unit, and scaling or shifting
    a channel does not change it.

    - A channel with the same map for all images, such as one that never fires, has J = 0.
    - A pixel that is constant, or all but constant beside the ridge, neither adds to J nor takes from it.
    - The classes are those that occur in ``labels``; numbers in between that do not occur add nothing.
    - With fewer than d + K images of K classes, S_w is singular and some direction separates any labels.
      J is then huge (at most 1 / ``RIDGE``) and orders the channels by little but chance: use more images.

    The arithmetic is float64 for input of any type. Beside the input, memory holds D' matrices of d x d
    and D' K class means in float64, and a copy of one minibatch, of at most ``BLOCK_SIZE`` images.

    Args:
        representations: [N, H', W', D'], real; or an iterable of minibatches of it, each read once.
        labels: [N] integers, at least 0, in the order of the representations.

    Returns:
        [D'] float64, at least 0.

    Raises:
        InputError: if the labels are not such integers or of one class only; if the representations are
            not such arrays, hold NaN or infinity (the message names the channels), or are more or fewer
            than the labels; if minibatches differ in shape or type.
    """
    labels = np.asarray(labels)
    if labels.ndim != 1 or labels.dtype.kind not in "iu":
        raise InputError(
            f"labels must be integers of shape [N]. Received: {labels.dtype} of shape {list(labels.shape)}"
        )
    if labels.size and labels.min() < 0:
        raise InputError(f"labels must be at least 0. Received: {labels.min()}")
    classes, labels, counts = np.unique(labels, return_inverse=True, return_counts=True)
    if len(classes) < 2:
        raise InputError(f"labels must be of at least 2 classes. Received: {classes.tolist()}")

    moments, sums = _accumulate(_blocks(representations, len(labels)), labels, len(classes))
    traces = np.einsum("jpp->j", moments)
    not_finite = np.flatnonzero(~np.isfinite(traces)).tolist()
    if not_finite:
        raise InputError(
            f"representations must be finite. Received: NaN or infinity in channels {not_finite}"
        )
    return np.array(
        [_largest_eigenvalue(*channel, counts) for channel in zip(moments, traces, sums, strict=True)]
    )


def _blocks(representations, num_labels: int) -> Iterator[np.ndarray]:
    """Checks the minibatches and yields them as blocks [n, d, D'] of at most ``BLOCK_SIZE`` images."""
    is_array = hasattr(representations, "shape")
    expected = None
    count = 0
    for minibatch in [representations] if is_array else representations:
        if not hasattr(minibatch, "shape"):  # such as pairs of representations and labels
            raise InputError(
                f"minibatches must be arrays [n, H', W', D']. Received: {type(minibatch).__name__}"
            )
        minibatch = np.asarray(minibatch)
        received = f"{minibatch.dtype} of shape {list(minibatch.shape)}"
        if minibatch.ndim != 4 or 0 in minibatch.shape[1:] or minibatch.dtype.kind not in "fiu":
            raise InputError(f"representations must be real, of shape [N, H', W', D']. Received: {received}")
        expected = expected or (minibatch.dtype, minibatch.shape[1:])
        if (minibatch.dtype, minibatch.shape[1:]) != expected:
            raise InputError(
                f"minibatches must all hold {expected[0]} {list(expected[1])}. Received: {received}"
            )
        count += len(minibatch)
        if count > num_labels or (is_array and count < num_labels):
            break
        for start in range(0, len(minibatch), BLOCK_SIZE):
            block = minibatch[start : start + BLOCK_SIZE]
            yield block.reshape(len(block), -1, block.shape[-1])
    if count != num_labels:
        at_least = "at least " if count > num_labels and not is_array else ""
        raise InputError(
            f"representations and labels must be equally many. Received: {at_least}{count} and {num_labels}"
        )


def _accumulate(
    blocks: Iterator[np.ndarray], labels: np.ndarray, num_classes: int
) -> tuple[np.ndarray, np.ndarray]:
    """Sums, over blocks [n, d, D'], of every channel's maps x less those of the first image.

    Returns:
        The sums of x x^T [D', d, d], upper triangles alone, and the sums of x in each class [D', K, d].
    """
    origin = None
    start = 0
    for block in blocks:
        if origin is None:
            # Moments about a point amid the data cancel little when the means are taken out, however large
            # those are; and about the first image, a constant is exactly 0.
            origin = block[0].T.astype(np.float64)
            depth, pixels = origin.shape
            moments = np.zeros((depth, pixels, pixels))
            sums = np.zeros((depth, num_classes, pixels))
            workspace = np.empty((0, pixels))
        size = len(block)
        if size > len(workspace):
            by_channel = np.empty((depth, size, pixels), block.dtype)
            workspace = np.empty((size, pixels))
        one_hot = np.float64(np.arange(num_classes)[:, None] == labels[start : start + size])
        start += size
        for i, image in enumerate(block):  # one image stays in the cache while it is transposed
            by_channel[:, i] = image.T
        x = workspace[:size]
        with np.errstate(invalid="ignore"):  # infinity is reported in the end
            for j in range(depth):
                x[...] = by_channel[j, :size]
                x -= origin[j]
                sums[j] += one_hot @ x
                # x^T x, one triangle of it, in place; for BLAS, which reads by columns, our rows are columns.
                scipy.linalg.blas.dsyrk(1.0, x.T, beta=1.0, c=moments[j].T, lower=1, overwrite_c=1)
    return moments, sums


def _largest_eigenvalue(moments: np.ndarray, trace: float, sums: np.ndarray, counts: np.ndarray) -> float:
    """J of one channel from its sums, of which it overwrites ``moments``."""
    if trace == 0:
        return 0.0
    # With a row for each class in A and B, S_w = moments - A^T A and S_b = B^T B. With S_w = L L^T and
    # V = L^-1 B^T, the eigenvalues of S_w^-1 S_b are those of V^T V, which is K x K, and zeros.
    weights = np.sqrt(counts)[:, None]
    a = sums / weights
    b = a - weights * (sums.sum(axis=0) / counts.sum())
    within = scipy.linalg.blas.dsyrk(-1.0, a.T, beta=1.0, c=moments.T, lower=1, overwrite_c=1)
    within[np.diag_indices_from(within)] += RIDGE * trace
    factor = scipy.linalg.cholesky(within, lower=True, overwrite_a=True, check_finite=False)
    whitened = scipy.linalg.solve_triangular(factor, b.T, lower=True, check_finite=False)
    return max(np.linalg.eigvalsh(whitened.T @ whitened)[-1], 0.0)
